//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

const (
	// clients ask at once, each pausing between two requests: about 100 requests a second.
	killClients = 8
	clientPause = 50 * time.Millisecond
	// refusedFor is how long a new connection may be led to a server that was killed: until its endpoint is taken out.
	refusedFor = 3 * time.Second
	// quietFor is how long nothing must fail before a service counts as recovered.
	quietFor = 3 * time.Second
)

// kill is a way to lose a part of the product, and what callers may see of it.
type kill struct {
	name, component string
	graceful        bool
	// may reports whether a request that failed so may have, some time after the kill.
	may func(f failed) bool
}

// failed is a request that was not answered as it should be.
type failed struct {
	at   time.Duration // after the kill
	code string        // of the answer's error, or what became of the connection
}

func none(failed) bool { return false }

var kills = []kill{
	{name: "kill -9 of the Redis with cached results", component: "redis-cache", may: none},
	{name: "kill -9 of the Redis with buckets", component: "redis-state", may: none},
	{name: "kill -9 of the operator", component: "operator", may: none},
	{name: "graceful loss of a server", component: "server", graceful: true, may: none},
	// What was under way on it, and connections that are led to it until its endpoint is gone.
	{name: "kill -9 of a server", component: "server", may: func(f failed) bool { return strings.HasPrefix(f.code, "connection") && f.at <= refusedFor }},
	// There is one node: searches that are not cached find nobody.
	{name: "kill -9 of OpenSearch", component: "opensearch", may: func(f failed) bool { return f.code == "search_unavailable" || f.code == "search_timeout" }},
}

// TestKills loses each part of a service in turn while callers ask through its Service, and counts what they see. When they have gone the operator
// must fall silent. It needs to see the processes of pods. ROUNDS is how often each is lost; when it is not set, each is lost once, and the operator
// watched after the last.
func TestKills(t *testing.T) {
	if os.Getenv("CLUSTER_BACKEND") != "node" {
		t.Skip("CLUSTER_BACKEND is not node: only the cluster without Docker runs pods as processes of this machine, and has its Services on it")
	}
	rounds, _ := strconv.Atoi(os.Getenv("ROUNDS"))
	rag := askedByMany(t)
	for range max(1, rounds) {
		for i, k := range kills {
			t.Run(k.name, func(t *testing.T) { k.under(t, rag, startCallers(t, rag)) })
			if rounds > 0 || i == len(kills)-1 {
				t.Run("quiet after "+k.name, func(t *testing.T) { writesNothing(t, rag) })
			}
		}
	}
}

// under loses the part while callers ask, waits until it is back, and judges what they saw.
func (k kill) under(t *testing.T, rag *v1alpha1.RAGService, callers *callers) {
	t.Helper()
	time.Sleep(quietFor) // callers have connections, and answers before the kill are counted
	pod := k.pod(t, rag)
	callers.killed()
	if k.graceful {
		if err := kube.Delete(t.Context(), &pod); err != nil {
			t.Fatal(err)
		}
	} else {
		killProcesses(t, pod)
	}
	eventually(t, startTimeout, "it is back", func() error { return back(t.Context(), pod, k.graceful) })
	awaitReady(t, rag)
	callers.awaitQuiet(t)
	seen := callers.stop()
	t.Logf("| %s | %d | %s | back after %.1f s |", k.name, seen.asked, seen.summary(), seen.took.Seconds())
	for _, f := range seen.failed {
		if !k.may(f) {
			t.Errorf("%s: a request failed with %s, %s after it", k.name, f.code, f.at.Round(time.Millisecond))
		}
	}
}

// pod is one of the component's.
func (k kill) pod(t *testing.T, rag *v1alpha1.RAGService) corev1.Pod {
	t.Helper()
	namespace, labels := rag.Namespace, client.MatchingLabels{"app.kubernetes.io/instance": rag.Name, "app.kubernetes.io/component": k.component}
	if k.component == "operator" {
		namespace, labels = "", client.MatchingLabels{"app.kubernetes.io/name": "ragservice-operator"}
	}
	var pods corev1.PodList
	if err := kube.List(t.Context(), &pods, client.InNamespace(namespace), labels); err != nil {
		t.Fatal(err)
	}
	pods.Items = slices.DeleteFunc(pods.Items, func(p corev1.Pod) bool { return p.DeletionTimestamp != nil })
	if len(pods.Items) == 0 {
		t.Fatalf("there is no pod of %s", k.component)
	}
	return pods.Items[0]
}

// killProcesses ends what runs in a pod's containers, as the kernel does when memory is short.
func killProcesses(t *testing.T, pod corev1.Pod) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, file := range files {
		groups, _ := os.ReadFile(file) // one that has ended meanwhile is nobody's
		if !bytes.Contains(groups, []byte("pod"+string(pod.UID))) {
			continue
		}
		name, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "comm"))
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if pid == 0 || strings.TrimSpace(string(name)) == "pause" { // it keeps the pod's address
			continue
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err == nil {
			n++
		}
	}
	if n == 0 {
		t.Fatalf("no process of pod %s was found", pod.Name)
	}
}

// back reports what is missing until the pod, or the one in its place, is ready again.
func back(ctx context.Context, before corev1.Pod, replaced bool) error {
	var now corev1.Pod
	err := kube.Get(ctx, client.ObjectKeyFromObject(&before), &now)
	if replaced {
		if err != nil {
			return client.IgnoreNotFound(err)
		}
		return errors.New("the pod is still there")
	}
	if err != nil {
		return err
	}
	restarts := func(p corev1.Pod) (n int32) {
		for _, c := range p.Status.ContainerStatuses {
			n += c.RestartCount
		}
		return n
	}
	if now.UID == before.UID && restarts(now) == restarts(before) {
		return errors.New("its containers were not restarted yet")
	}
	for _, c := range now.Status.Conditions {
		if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
			return nil
		}
	}
	return errors.New("its pod is not ready")
}

// callers ask a service through its Service's address.
type callers struct {
	base, key string
	ended     context.CancelFunc
	all       sync.WaitGroup

	mu    sync.Mutex
	asked int
	at    time.Time // of the kill
	seen  []failed
	last  time.Time // of the last failure, or of the kill
}

func startCallers(t *testing.T, rag *v1alpha1.RAGService) *callers {
	t.Helper()
	var service corev1.Service
	if err := kube.Get(t.Context(), client.ObjectKey{Namespace: rag.Namespace, Name: rag.Name + "-server"}, &service); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &callers{base: "http://" + service.Spec.ClusterIP, key: apiKey(t, rag, "client"), ended: cancel, at: time.Now(), last: time.Now()}
	for n := range killClients {
		c.all.Go(func() { c.ask(ctx, n) })
	}
	t.Cleanup(func() { c.stop() })
	return c
}

// ask asks until ctx ends: half of the callers what is cached, the others what is not.
func (c *callers) ask(ctx context.Context, n int) {
	own := &http.Client{Transport: &http.Transport{}, Timeout: 30 * time.Second} // a connection that is kept
	defer own.CloseIdleConnections()
	for i := 0; ctx.Err() == nil; i++ {
		path, query := "/api/v1/ask", commonWord
		if n%2 == 0 {
			path, query = "/api/v1/search", fmt.Sprintf("%s %d %d", commonWord, n, time.Now().UnixNano())
		}
		code := c.once(ctx, own, path, query)
		c.mu.Lock()
		if c.asked++; code != "" && ctx.Err() == nil {
			c.last = time.Now()
			c.seen = append(c.seen, failed{c.last.Sub(c.at), code})
		}
		c.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-time.After(clientPause):
		}
	}
}

// once is why a request failed; empty when it did not.
func (c *callers) once(ctx context.Context, own *http.Client, path, query string) string {
	asking := &serviceClient{http: own, base: c.base}
	r, err := asking.do(ctx, http.MethodPost, path, c.key, "application/json", fmt.Appendf(nil, `{"query":%q}`, query))
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection lost"
	case err != nil:
		return "connection: " + err.Error()
	case r.status == http.StatusOK:
		return ""
	}
	_, code, _ := bytes.Cut(r.body, []byte(`"code":"`))
	code, _, _ = bytes.Cut(code, []byte(`"`))
	return string(code)
}

func (c *callers) killed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.last = time.Now(), time.Now()
}

// awaitQuiet waits until nothing has failed for a while.
func (c *callers) awaitQuiet(t *testing.T) {
	t.Helper()
	eventually(t, startTimeout, "nothing fails", func() error {
		if since := c.sinceLastFailure(); since < quietFor {
			return fmt.Errorf("a request failed %s ago", since)
		}
		return nil
	})
}

func (c *callers) sinceLastFailure() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Since(c.last)
}

// sight is what callers saw.
type sight struct {
	asked  int
	failed []failed
	took   time.Duration // from the kill to the last failure
}

func (c *callers) stop() sight {
	c.ended()
	c.all.Wait()
	return sight{c.asked, c.seen, c.last.Sub(c.at)}
}

// summary is how many requests failed, by code.
func (s sight) summary() string {
	byCode := map[string]int{}
	for _, f := range s.failed {
		byCode[f.code]++
	}
	if len(byCode) == 0 {
		return "none failed"
	}
	var words []string
	for _, code := range slices.Sorted(maps.Keys(byCode)) {
		words = append(words, fmt.Sprintf("%d %s", byCode[code], code))
	}
	first, last := s.failed[0].at, s.failed[len(s.failed)-1].at
	return fmt.Sprintf("%s, from %.1f s to %.1f s after it", strings.Join(words, ", "), first.Seconds(), last.Seconds())
}
