package observe

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/status"
)

// Snapshot is what exists of a RAGService, as the cache has it. A pass reads it once, before anything is built: Children is what
// desired.Build needs of it, and Observe what status judges.
type Snapshot struct {
	service *v1alpha1.RAGService
	// deployment is the server's, nil while there is none that the RAGService controls; scaled is too one that is to be taken back.
	deployment, scaled *appsv1.Deployment
	// autoscaler is the server's; nil while there is none, or none is asked for.
	autoscaler *autoscalingv2.HorizontalPodAutoscaler
	// schedule is what became of that of snapshots; noSnapshotClaim says that the claim for them is not there yet.
	schedule        status.Schedule
	noSnapshotClaim bool
	// snapshotClaim is the one that the nodes of OpenSearch mount.
	snapshotClaim string
	// stores are the StatefulSets. Some of them may have been left behind by
	// an earlier RAGService, to be taken over.
	stores map[desired.Component]*appsv1.StatefulSet
	// search is what the nodes of OpenSearch said last, where there are several.
	search heardCluster
	// pods are those of the workloads that the RAGService controls.
	pods   []componentPod
	claims []corev1.PersistentVolumeClaim
}

// Read reads the children of rag from the cache.
func (o *Observer) Read(ctx context.Context, rag *v1alpha1.RAGService) (*Snapshot, error) {
	s := &Snapshot{
		service: rag, stores: map[desired.Component]*appsv1.StatefulSet{}, search: o.Poller.search(client.ObjectKeyFromObject(rag), rag.UID),
	}
	var err error
	if err := s.readDeployment(ctx, o.Reader); err != nil {
		return nil, fmt.Errorf("reading the server's Deployment: %w", err)
	}
	if err := s.readAutoscaler(ctx, o.Reader); err != nil {
		return nil, fmt.Errorf("reading the server's HorizontalPodAutoscaler: %w", err)
	}
	if err := s.readSchedule(ctx, o.Reader); err != nil {
		return nil, fmt.Errorf("reading the CronJob of snapshots: %w", err)
	}
	for _, c := range desired.Components() {
		if !c.IsStore() {
			continue
		}
		set := &appsv1.StatefulSet{}
		err := o.Reader.Get(ctx, client.ObjectKey{Namespace: rag.Namespace, Name: desired.Name(rag.Name, c)}, set)
		if client.IgnoreNotFound(err) != nil {
			return nil, fmt.Errorf("reading the StatefulSet of %s: %w", c, err)
		}
		if err == nil && desired.OwnershipOf(set, rag) == desired.Own {
			s.stores[c] = set
		}
	}
	if err := s.readSnapshotClaim(ctx, o.Live); err != nil {
		return nil, fmt.Errorf("reading the volume claim of snapshots: %w", err)
	}
	if s.pods, err = podsOf(ctx, o.Reader, client.ObjectKeyFromObject(rag), s.controlled()); err != nil {
		return nil, fmt.Errorf("reading pods: %w", err)
	}
	var claims corev1.PersistentVolumeClaimList
	err = o.Reader.List(ctx, &claims, client.InNamespace(rag.Namespace),
		client.MatchingLabels{desired.LabelName: desired.AppName, desired.LabelInstance: rag.Name})
	if err != nil {
		return nil, fmt.Errorf("reading volume claims: %w", err)
	}
	s.claims = claims.Items
	return s, nil
}

func (s *Snapshot) readDeployment(ctx context.Context, reader client.Reader) error {
	d := &appsv1.Deployment{}
	key := client.ObjectKey{Namespace: s.service.Namespace, Name: desired.Name(s.service.Name, desired.ComponentServer)}
	if err := reader.Get(ctx, key, d); err != nil {
		return client.IgnoreNotFound(err)
	}
	if desired.OwnershipOf(d, s.service) == desired.Own {
		s.scaled = d
	}
	if metav1.IsControlledBy(d, s.service) {
		s.deployment = d
	}
	return nil
}

// controlled are the workloads that the RAGService controls, by UID.
func (s *Snapshot) controlled() map[types.UID]desired.Component {
	all := map[types.UID]desired.Component{}
	if s.deployment != nil {
		all[s.deployment.UID] = desired.ComponentServer
	}
	for c, set := range s.stores {
		if metav1.IsControlledBy(set, s.service) {
			all[set.UID] = c
		}
	}
	return all
}

// claim is a volume claim by its name; nil when there is none.
func (s *Snapshot) claim(name string) *corev1.PersistentVolumeClaim {
	i := slices.IndexFunc(s.claims, func(c corev1.PersistentVolumeClaim) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return &s.claims[i]
}

// Children is what desired.Build needs to know of what exists.
func (s *Snapshot) Children() desired.Children {
	children := desired.Children{
		OpenSearch: s.openSearchNodes(), StatefulSets: map[desired.Component]desired.StatefulSet{}, Claims: map[string]desired.ExistingClaim{},
		SecretsHashes: map[desired.Component]string{}, SnapshotClaimMissing: s.noSnapshotClaim, MountedSnapshotClaim: s.snapshotClaim,
	}
	if s.scaled != nil {
		children.Server = &desired.Deployment{
			Replicas: ptr.Deref(s.scaled.Spec.Replicas, 1), Autoscaled: s.scaled.Annotations[desired.AnnotationAutoscaled] != "",
		}
	}
	if s.deployment != nil {
		children.Serving = desired.Serving{
			StartHash: s.deployment.Spec.Template.Annotations[desired.AnnotationStartHash],
			RolledOut: rolledOut(ofDeployment(s.deployment)),
		}
		children.SecretsHashes[desired.ComponentServer] = s.deployment.Spec.Template.Annotations[desired.AnnotationSecretsHash]
	}
	for c, set := range s.stores {
		children.StatefulSets[c] = statefulSetFacts(set)
		children.SecretsHashes[c] = set.Spec.Template.Annotations[desired.AnnotationSecretsHash]
	}
	for i := range s.claims {
		claim := &s.claims[i]
		children.Claims[claim.Name] = desired.ExistingClaim{
			GoesWithService: slices.ContainsFunc(claim.OwnerReferences, func(o metav1.OwnerReference) bool { return o.UID == s.service.UID }),
			Bound:           claim.Status.Phase == corev1.ClaimBound,
			Size:            *claim.Spec.Resources.Requests.Storage(),
			ClusterUUID:     claim.Annotations[desired.AnnotationClusterUUID],
			Emptied:         claim.Annotations[desired.AnnotationEmptied] != "",
		}
	}
	return children
}

// Written is what status needs to know of the plan that was written last; nil when none was.
func (s *Snapshot) Written() *desired.Plan {
	before := &s.service.Status
	if before.ConfigHash == "" {
		return nil
	}
	wanted := ptr.Deref(s.service.Spec.Server.Replicas, 1)
	if s.deployment != nil {
		wanted = ptr.Deref(s.deployment.Spec.Replicas, 1)
	}
	return &desired.Plan{ConfigHash: before.ConfigHash, Replicas: wanted, Selector: before.Selector, Endpoint: before.Endpoint}
}

func statefulSetFacts(set *appsv1.StatefulSet) desired.StatefulSet {
	facts := desired.StatefulSet{
		Name: set.Name, UID: set.UID, ResourceVersion: set.ResourceVersion, Deleting: set.DeletionTimestamp != nil,
		SeveralNodes: set.Annotations[desired.AnnotationSeveralNodes] != "",
	}
	if len(set.Spec.VolumeClaimTemplates) > 0 {
		template := &set.Spec.VolumeClaimTemplates[0]
		facts.Volume = &desired.VolumeTemplate{
			Maker: types.UID(template.Annotations[desired.AnnotationServiceUID]),
			Class: ptr.Deref(template.Spec.StorageClassName, ""),
			Size:  *template.Spec.Resources.Requests.Storage(),
		}
	}
	return facts
}

// openSearchNodes is what runs of OpenSearch: its pods, sorted by name.
func (s *Snapshot) openSearchNodes() desired.Nodes {
	set := s.stores[desired.ComponentOpenSearch]
	if set == nil || !metav1.IsControlledBy(set, s.service) {
		return desired.Nodes{}
	}
	nodes := desired.Nodes{Wanted: ptr.Deref(set.Spec.Replicas, 1)}
	if set.Status.ObservedGeneration >= set.Generation {
		nodes.Revision = set.Status.UpdateRevision
	}
	for _, pod := range s.pods {
		if pod.component == desired.ComponentOpenSearch {
			address, _ := runningAddress(pod.Pod)
			nodes.Pods = append(nodes.Pods, desired.Node{
				Name: pod.Name, UID: pod.UID, Revision: pod.Labels[appsv1.ControllerRevisionHashLabelKey],
				Ready: isReady(pod.Pod), Deleting: pod.DeletionTimestamp != nil, Address: address,
			})
		}
	}
	nodes.ClusterUUID, nodes.Joined = s.search.UUID, s.search.Joined
	nodes.Leaving, nodes.Excluded, nodes.Empty, nodes.LostVoters = s.search.Leaving, s.search.Excluded, s.search.Empty, s.search.LostVoters
	nodes.Green = s.search.Green && len(nodes.Joined) == int(nodes.Wanted) && s.search.at.After(s.lastReady(desired.ComponentOpenSearch))
	slices.SortFunc(nodes.Pods, func(a, b desired.Node) int { return strings.Compare(a.Name, b.Name) })
	return nodes
}

// lastReady is when the youngest pod of a component became ready, to the second after it: what was heard before says nothing of it.
func (s *Snapshot) lastReady(c desired.Component) (last time.Time) {
	for _, pod := range s.pods {
		if since, ready := readySince(pod.Pod); ready && pod.component == c && since.After(last) {
			last = since
		}
	}
	return last.Add(time.Second)
}

// reusedVolumes are the storage classes of claims that another RAGService of this name made; nil when there is none.
func (s *Snapshot) reusedVolumes() map[desired.Component]string {
	var classes map[desired.Component]string
	for _, c := range desired.Components() {
		if claim := s.claim(desired.ClaimName(s.service.Name, c)); claim != nil && s.madeByEarlier(claim) {
			if classes == nil {
				classes = map[desired.Component]string{}
			}
			classes[c] = ptr.Deref(claim.Spec.StorageClassName, "")
		}
	}
	return classes
}

func (s *Snapshot) madeByEarlier(claim *corev1.PersistentVolumeClaim) bool {
	maker, known := claim.Annotations[desired.AnnotationServiceUID]
	return known && maker != string(s.service.UID)
}
