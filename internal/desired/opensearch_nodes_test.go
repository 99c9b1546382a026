package desired_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/desired/desiredtest"
)

const cluster = "0123456789012345678901"

// searchNodes are inputs with a number of nodes, and what exists of them.
func searchNodes(t *testing.T, n int32, exists desired.Children) desired.Inputs {
	t.Helper()
	in := desiredtest.Inputs(desiredtest.Smallest())
	in.Service.Spec.OpenSearch.Managed = &v1alpha1.ManagedOpenSearch{Nodes: &n}
	in.Children = exists
	return in
}

func set(t *testing.T, in desired.Inputs) appsv1.StatefulSet {
	t.Helper()
	return find[appsv1.StatefulSet](t, build(t, in), "StatefulSet", "papers-opensearch")
}

// volumes are claims of n nodes, those of emptied marked so.
func volumes(n int, emptied ...int) map[string]desired.ExistingClaim {
	claims := map[string]desired.ExistingClaim{}
	for i := range n {
		claims[fmt.Sprintf("data-papers-opensearch-%d", i)] = desired.ExistingClaim{ClusterUUID: cluster, Emptied: slices.Contains(emptied, i)}
	}
	return claims
}

// leave are n nodes, of which the last but one and the last are told to leave; so many of them, the last ones, are empty.
func leave(n, empty int) desired.Nodes {
	nodes := desired.Nodes{Wanted: int32(n), Revision: "new", ClusterUUID: cluster, Green: true}
	for i := range n {
		name := fmt.Sprintf("papers-opensearch-%d", i)
		nodes.Joined = append(nodes.Joined, name)
		nodes.Pods = append(nodes.Pods, desired.Node{Name: name, Revision: "new", Ready: true, Address: netip.MustParseAddr("10.0.0.1")})
		if i >= n-2 {
			nodes.Leaving, nodes.Excluded = append(nodes.Leaving, name), append(nodes.Excluded, name)
		}
		if i >= n-empty {
			nodes.Empty = append(nodes.Empty, name)
		}
	}
	return nodes
}

func TestNodesOfOpenSearch(t *testing.T) {
	t.Parallel()
	one := desired.Nodes{Wanted: 1, Revision: "new", Pods: []desired.Node{{Name: "papers-opensearch-0", Revision: "old"}}}
	claims := map[string]desired.ExistingClaim{"data-papers-opensearch-0": {}, "data-papers-opensearch-2": {}}
	another := leave(3, 2)
	another.ClusterUUID = "another"
	for name, test := range map[string]struct {
		nodes  int32
		exists desired.Children
		want   int32
	}{
		"one":                                   {1, desired.Children{}, 1},
		"a new service":                         {3, desired.Children{}, 3},
		"one that becomes three while it rolls": {3, desired.Children{OpenSearch: one}, 3},
		"three that become five":                {5, desired.Children{OpenSearch: desired.Nodes{Wanted: 3}}, 5},
		"volumes of three that an earlier left": {1, desired.Children{Claims: claims}, 3},
		"three that become one":                 {1, desired.Children{Claims: volumes(3), OpenSearch: leave(3, 0)}, 3},
		"that are empty":                        {1, desired.Children{Claims: volumes(3), OpenSearch: leave(3, 2)}, 3},
		"that are marked as empty":              {1, desired.Children{Claims: volumes(3, 1, 2), OpenSearch: leave(3, 2)}, 1},
		"of which one is marked":                {1, desired.Children{Claims: volumes(3, 1), OpenSearch: leave(3, 2)}, 3},
		"that are marked, and were empty once":  {1, desired.Children{Claims: volumes(3, 1, 2), OpenSearch: leave(3, 1)}, 3},
		"marked and empty in another cluster":   {1, desired.Children{Claims: volumes(3, 1, 2), OpenSearch: another}, 3},
		"more than asked for, without volumes":  {1, desired.Children{Claims: volumes(1), OpenSearch: leave(2, 0)}, 1},
		"five that become three":                {3, desired.Children{Claims: volumes(5, 3, 4), OpenSearch: leave(5, 2)}, 3},
		"one that was one of three":             {1, desired.Children{Claims: volumes(3, 1, 2), OpenSearch: one}, 1},
		"that becomes three, still marked":      {3, desired.Children{Claims: volumes(3, 1, 2), OpenSearch: one}, 1},
		"that becomes three again":              {3, desired.Children{Claims: volumes(3), OpenSearch: one}, 3},
		"a new service on marked volumes":       {3, desired.Children{Claims: volumes(3, 1, 2)}, 1},
	} {
		if got := *set(t, searchNodes(t, test.nodes, test.exists)).Spec.Replicas; got != test.want {
			t.Errorf("%s: %d nodes, want %d", name, got, test.want)
		}
	}
}

// TestNodesLeave step by step, forwards and back.
func TestNodesLeave(t *testing.T) {
	t.Parallel()
	setLeaving := func(nodes ...string) []desired.Action {
		return []desired.Action{desired.SetLeaving{
			Pod: "papers-opensearch-0", Address: netip.MustParseAddr("10.0.0.1"), ClusterUUID: cluster, Nodes: nodes, Staying: []string{"papers-opensearch-0"},
		}}
	}
	keepAll := []desired.Action{desired.SetLeaving{
		Pod: "papers-opensearch-0", Address: netip.MustParseAddr("10.0.0.1"), ClusterUUID: cluster,
		Staying: []string{"papers-opensearch-0", "papers-opensearch-1", "papers-opensearch-2"},
	}}
	mark := func(value string, claims ...string) (all []desired.Action) {
		for _, name := range claims {
			all = append(all, desired.MarkClaim{
				Component: desired.ComponentOpenSearch, Name: name, Annotation: desired.AnnotationEmptied, Value: value,
			})
		}
		return all
	}
	but := func(change func(*desired.Nodes)) desired.Nodes {
		nodes := leave(3, 2)
		change(&nodes)
		return nodes
	}
	const one, two, data = "papers-opensearch-1", "papers-opensearch-2", "data-"
	ofAnother := volumes(3, 1)
	ofAnother[data+two] = desired.ExistingClaim{ClusterUUID: "another", Emptied: true}
	for name, test := range map[string]struct {
		spec    int32
		claims  map[string]desired.ExistingClaim
		running desired.Nodes
		want    []desired.Action
	}{
		"nobody was told":             {1, volumes(3), but(func(n *desired.Nodes) { n.Leaving, n.Excluded, n.Empty = nil, nil, nil }), setLeaving(one, two)},
		"told in part":                {1, volumes(3), but(func(n *desired.Nodes) { n.Excluded, n.Empty = []string{one}, nil }), setLeaving(one, two)},
		"a voter is lost":             {1, volumes(3), but(func(n *desired.Nodes) { n.LostVoters = true }), setLeaving(one, two)},
		"one that stays is lost":      {1, volumes(3), but(func(n *desired.Nodes) { n.LostVoters, n.Empty, n.Joined = true, nil, n.Joined[1:] }), nil},
		"a voter is lost for good":    {1, volumes(3), but(func(n *desired.Nodes) { n.LostVoters, n.Joined, n.Pods[2].Deleting = true, n.Joined[:2], true }), setLeaving(one, two)},
		"a voter is lost, none goes":  {3, volumes(3), desired.Nodes{Wanted: 3, ClusterUUID: cluster, Joined: leave(3, 0).Joined, Pods: leave(3, 0).Pods, LostVoters: true}, nil},
		"one was told":                {1, volumes(3), but(func(n *desired.Nodes) { n.Leaving, n.Empty = []string{two}, nil }), setLeaving(one, two)},
		"a person empties one more":   {1, volumes(3), but(func(n *desired.Nodes) { n.Excluded = append(n.Excluded, "papers-opensearch-0") }), mark(cluster, data+one, data+two)},
		"they hold shards":            {1, volumes(3), leave(3, 1), nil},
		"they are empty":              {1, volumes(3), leave(3, 2), mark(cluster, data+one, data+two)},
		"one ends that holds nothing": {1, volumes(3), but(func(n *desired.Nodes) { n.Pods[2].Deleting = true }), mark(cluster, data+one, data+two)},
		"one is marked":               {1, volumes(3, 1), leave(3, 2), mark(cluster, data+two)},
		"both are marked":             {1, volumes(3, 1, 2), leave(3, 2), nil},
		"nobody has said anything":    {1, volumes(3), but(func(n *desired.Nodes) { n.ClusterUUID = "" }), nil},
		"one never started":           {1, volumes(3), but(func(n *desired.Nodes) { n.Joined, n.Pods = n.Joined[:2], n.Pods[:2] }), mark(cluster, data+one, data+two)},
		"another cluster":             {1, volumes(3), but(func(n *desired.Nodes) { n.ClusterUUID, n.Joined = "another", n.Joined[:1] }), nil},
		"one is not gone":             {1, volumes(3, 1, 2), desired.Nodes{Wanted: 1, ClusterUUID: cluster, Joined: []string{"papers-opensearch-0", one}, Pods: leave(1, 0).Pods, Leaving: []string{one, two}}, nil},
		"one that stays ends":         {3, volumes(3), but(func(n *desired.Nodes) { n.Pods[2].Deleting = true }), nil},
		"marked, and not empty":       {1, volumes(3, 1, 2), leave(3, 1), mark("", data+one, data+two)},
		"marked, of another cluster":  {3, ofAnother, desired.Nodes{Wanted: 1, ClusterUUID: cluster, Joined: []string{"papers-opensearch-0"}, Pods: leave(1, 0).Pods}, mark("", data+one)},
		"pods that are to go end":     {1, volumes(3, 1, 2), but(func(n *desired.Nodes) { n.Wanted, n.Joined = 1, n.Joined[:1] }), nil},
		"no node is ready":            {1, volumes(3), but(func(n *desired.Nodes) { n.Pods = nil }), nil},
		"they stay after all":         {3, volumes(3), leave(3, 2), keepAll},
		"they stay, and are marked":   {3, volumes(3, 1, 2), leave(3, 2), mark("", data+one, data+two)},
		"a person empties one":        {3, volumes(3), desired.Nodes{Wanted: 3, ClusterUUID: cluster, Pods: leave(3, 0).Pods, Excluded: []string{two}}, nil},
		"they are gone":               {1, volumes(3, 1, 2), desired.Nodes{Wanted: 1, ClusterUUID: cluster, Pods: leave(1, 0).Pods, Leaving: []string{one, two}}, setLeaving()},
		"they are gone and forgotten": {1, volumes(3, 1, 2), desired.Nodes{Wanted: 1, ClusterUUID: cluster, Pods: leave(1, 0).Pods}, nil},
	} {
		in := searchNodes(t, test.spec, desired.Children{
			Claims: test.claims, OpenSearch: test.running,
			StatefulSets: map[desired.Component]desired.StatefulSet{desired.ComponentOpenSearch: {Name: "papers-opensearch", SeveralNodes: true}},
		})
		if diff := cmp.Diff(test.want, build(t, in).Component(desired.ComponentOpenSearch).Actions, cmpopts.EquateEmpty(), cmpopts.EquateComparable(netip.Addr{})); diff != "" {
			t.Errorf("%s: actions (-want +got):\n%s", name, diff)
		}
	}
}

// TestNoNodeRestartsForOthers that come or go: pods of one are made as those of three. The last of several is asked as before.
func TestNoNodeRestartsForOthers(t *testing.T) {
	t.Parallel()
	three := set(t, searchNodes(t, 3, desired.Children{}))
	in := searchNodes(t, 1, desired.Children{
		Claims: volumes(3, 1, 2), OpenSearch: desired.Nodes{Wanted: 1},
		StatefulSets: map[desired.Component]desired.StatefulSet{desired.ComponentOpenSearch: {Name: "papers-opensearch", SeveralNodes: true}},
	})
	one := set(t, in)
	if diff := cmp.Diff(three.Spec.Template, set(t, searchNodes(t, 1, desired.Children{})).Spec.Template); diff != "" {
		t.Errorf("a single node is replaced when others come (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(three.Spec.Template, one.Spec.Template); diff != "" || *one.Spec.Replicas != 1 {
		t.Errorf("%d nodes, and pods are replaced (-want +got):\n%s", *one.Spec.Replicas, diff)
	}
	if three.Annotations[desired.AnnotationSeveralNodes] == "" || one.Annotations[desired.AnnotationSeveralNodes] == "" {
		t.Error("the StatefulSet does not show that it has several nodes")
	}
	plan := build(t, in).Component(desired.ComponentOpenSearch)
	if diff := cmp.Diff([]string{"data-papers-opensearch-1", "data-papers-opensearch-2"}, plan.Emptied); diff != "" || plan.Leaving != 0 {
		t.Errorf("%d nodes leave, volumes (-want +got):\n%s", plan.Leaving, diff)
	}
}

// TestOneNodeFormsTheCluster which others join, and none once it exists.
func TestOneNodeFormsTheCluster(t *testing.T) {
	t.Parallel()
	joined := map[string]desired.ExistingClaim{"data-papers-opensearch-1": {ClusterUUID: cluster}}
	lost := volumes(3, 1, 2)
	lost["data-papers-opensearch-0"] = desired.ExistingClaim{}
	for name, test := range map[string]struct {
		nodes  int32
		claims map[string]desired.ExistingClaim
		forms  bool
	}{
		"one node":               {1, nil, true},
		"three that are new":     {3, nil, true},
		"three that have joined": {3, joined, false},
		"the last of three":      {1, volumes(3, 1, 2), true},
		"that becomes three":     {3, volumes(1), false},
		"that lost its volume":   {3, lost, true},
	} {
		several := len(test.claims) > 1
		plan := build(t, searchNodes(t, test.nodes, desired.Children{
			Claims: test.claims, StatefulSets: map[desired.Component]desired.StatefulSet{desired.ComponentOpenSearch: {Name: "papers-opensearch", SeveralNodes: several}},
		}))
		files := find[corev1.ConfigMap](t, plan, "ConfigMap", "papers-opensearch").Data
		first := files["restart.yml"]
		if got := strings.Contains(first, "cluster.initial_cluster_manager_nodes:\n- papers-opensearch-0\n"); got != test.forms {
			t.Errorf("%s: the first forms a cluster: %t\n%s", name, got, first)
		}
		var whole map[string]any // as the init container writes it
		if err := yaml.UnmarshalStrict([]byte(files["opensearch.yml"]+first), &whole); err != nil || len(whole) < 8 {
			t.Errorf("%s: a node reads %v, %v", name, whole, err)
		}
	}
}

// TestWatermarksFollowTheVolume: they are shares of what was asked for, and another size restarts no node.
func TestWatermarksFollowTheVolume(t *testing.T) {
	t.Parallel()
	in := searchNodes(t, 1, desired.Children{})
	hash := set(t, in).Spec.Template.Annotations[desired.AnnotationConfigHash]
	in.Service.Spec.OpenSearch.Managed.Storage = "100Gi"
	var node map[string]any
	if err := yaml.Unmarshal([]byte(find[corev1.ConfigMap](t, build(t, in), "ConfigMap", "papers-opensearch").Data["restart.yml"]), &node); err != nil {
		t.Fatal(err)
	}
	const watermark = "cluster.routing.allocation.disk.watermark."
	for stage, percent := range map[string]int{"low": 15, "high": 10, "flood_stage": 5} {
		if want := fmt.Sprintf("%db", (100<<30)/100*percent); node[watermark+stage] != want {
			t.Errorf("%s at %v free, want %s", stage, node[watermark+stage], want)
		}
	}
	if got := set(t, in).Spec.Template.Annotations[desired.AnnotationConfigHash]; got != hash {
		t.Error("a larger volume restarts the node")
	}
}

// TestTheClusterIsNotedOnEachVolume whose node has joined it, and nothing restarts for it.
func TestTheClusterIsNotedOnEachVolume(t *testing.T) {
	t.Parallel()
	exists := desired.Children{
		OpenSearch: desired.Nodes{Wanted: 3, ClusterUUID: cluster, Joined: []string{"papers-opensearch-0", "papers-opensearch-1", "papers-opensearch-2"}},
		Claims: map[string]desired.ExistingClaim{
			"data-papers-opensearch-0": {ClusterUUID: cluster}, "data-papers-opensearch-1": {}, "data-papers-opensearch-2": {ClusterUUID: "another"},
		},
	}
	in := searchNodes(t, 3, exists)
	var want []desired.Action
	want = append(want, desired.MarkClaim{ // what another cluster is noted on stays: its documents may be there
		Component: desired.ComponentOpenSearch, Name: "data-papers-opensearch-1", Annotation: desired.AnnotationClusterUUID, Value: cluster,
	})
	if diff := cmp.Diff(want, build(t, in).Component(desired.ComponentOpenSearch).Actions); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(set(t, searchNodes(t, 3, desired.Children{})).Spec.Template, set(t, in).Spec.Template); diff != "" {
		t.Errorf("pods are replaced (-want +got):\n%s", diff)
	}
}

// TestTheClusterIsNotedWhereItIs: where a node has joined, and not beside another cluster, which has the documents.
func TestTheClusterIsNotedWhereItIs(t *testing.T) {
	t.Parallel()
	const first, second = "data-papers-opensearch-0", "data-papers-opensearch-1"
	both := func(second desired.ExistingClaim) map[string]desired.ExistingClaim {
		return map[string]desired.ExistingClaim{first: {}, "data-papers-opensearch-1": second}
	}
	noted := func(claims ...string) (all []desired.Action) {
		for _, claim := range claims {
			all = append(all, desired.MarkClaim{
				Component: desired.ComponentOpenSearch, Name: claim, Annotation: desired.AnnotationClusterUUID, Value: cluster,
			})
		}
		return all
	}
	for name, test := range map[string]struct {
		claims map[string]desired.ExistingClaim
		joined []string
		want   []desired.Action
	}{
		"a new cluster":              {both(desired.ExistingClaim{}), []string{"papers-opensearch-0"}, noted(first)},
		"which another joined":       {both(desired.ExistingClaim{}), []string{"papers-opensearch-0", "papers-opensearch-1"}, noted(first, second)},
		"one joins that was there":   {both(desired.ExistingClaim{ClusterUUID: cluster}), []string{"papers-opensearch-0", "papers-opensearch-1"}, noted(first)},
		"beside one that was there":  {both(desired.ExistingClaim{ClusterUUID: "another"}), []string{"papers-opensearch-0"}, nil},
		"the other has not answered": {both(desired.ExistingClaim{}), nil, nil},
	} {
		in := searchNodes(t, 3, desired.Children{Claims: test.claims, OpenSearch: desired.Nodes{Wanted: 3, ClusterUUID: cluster, Joined: test.joined}})
		if diff := cmp.Diff(test.want, build(t, in).Component(desired.ComponentOpenSearch).Actions); diff != "" {
			t.Errorf("%s: actions (-want +got):\n%s", name, diff)
		}
	}
}

// TestTheOperatorMayAskNodes whose health it waits for.
func TestTheOperatorMayAskNodes(t *testing.T) {
	t.Parallel()
	for n, want := range map[int32]bool{1: false, 3: true} {
		policy := find[networkingv1.NetworkPolicy](t, build(t, searchNodes(t, n, desired.Children{})), "NetworkPolicy", "papers-opensearch")
		may := false
		for _, rule := range policy.Spec.Ingress {
			selector := rule.From[0].NamespaceSelector
			may = may || selector != nil && selector.MatchLabels["kubernetes.io/metadata.name"] == "ragservice-system" && rule.Ports[0].Port.IntValue() == 9200
		}
		if may != want {
			t.Errorf("%d nodes: the operator may ask: %t", n, may)
		}
	}
}

// TestCopiesStayUntilNodesHaveJoined that are to hold the documents when others leave.
func TestCopiesStayUntilNodesHaveJoined(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*desired.Inputs)
		kept   bool
	}{
		"the one that stays has joined": {func(*desired.Inputs) {}, false},
		"it is lost":                    {func(in *desired.Inputs) { in.OpenSearch.Joined = in.OpenSearch.Joined[1:] }, true},
		"it is lost, and copies are as given": {func(in *desired.Inputs) {
			in.OpenSearch.Joined, in.Service.Spec.OpenSearch.Index.Replicas = in.OpenSearch.Joined[1:], new(int32(0))
		}, false},
		"nobody knows": {func(in *desired.Inputs) { in.OpenSearch.Joined = nil }, true},
	} {
		in := searchNodes(t, 1, desired.Children{Claims: volumes(3), OpenSearch: leave(3, 0)})
		test.change(&in)
		config := find[corev1.ConfigMap](t, build(t, in), "ConfigMap", "papers-server").Data["config.yaml"]
		if got := strings.Contains(config, "replicas: 1\n"); got != test.kept {
			t.Errorf("%s: copies are kept: %t\n%s", name, got, config)
		}
	}
}

// TestMembersAreThoseThatHaveJoined, of which most must run.
func TestMembersAreThoseThatHaveJoined(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		nodes  int32
		claims map[string]desired.ExistingClaim
		want   int32
	}{
		"a new one":                   {3, nil, 3},
		"three that nobody could ask": {3, map[string]desired.ExistingClaim{"data-papers-opensearch-0": {}}, 3},
		"one that becomes three":      {3, volumes(1), 1},
		"three":                       {3, volumes(3), 3},
		"three that become five":      {5, volumes(3), 3},
		"three, of which two left":    {1, volumes(3, 1, 2), 1},
	} {
		if got := build(t, searchNodes(t, test.nodes, desired.Children{Claims: test.claims})).Component(desired.ComponentOpenSearch).Members; got != test.want {
			t.Errorf("%s: %d members, want %d", name, got, test.want)
		}
	}
}
