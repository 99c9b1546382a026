//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// TestService walks one service through its life, because a start takes a minute on two cores.
func TestService(t *testing.T) {
	rag := newService(newNamespace(t), "papers")
	create(t, rag)
	t.Run("every condition is there from the first write", func(t *testing.T) { firstStatus(t, rag) })
	awaitReady(t, rag)
	steps := []struct {
		name string
		step func(*testing.T, *v1alpha1.RAGService)
	}{
		{"writes nothing when steady", writesNothing},
		{"loads and answers", loadsAndAnswers},
		{"shares the cache between servers", sharesCache},
		{"shares the limits between servers", sharesLimits},
		{"shows the hit rate", showsHitRate},
		{"forgets a deleted document", forgetsDeleted},
		{"takes up settings without a restart", takesUpSettings},
		{"tells of a bad image and recovers", badImage},
		{"serves without Redis", servesWithoutRedis},
		{"keeps documents over a restart of OpenSearch", keepsDocuments},
		{"takes over what it left behind", orphaned},
		{"is removed and keeps its volume", removed},
		{"finds its documents and keys again", foundAgain},
	}
	for _, s := range steps {
		if !t.Run(s.name, func(t *testing.T) { s.step(t, rag) }) {
			return // the next step builds on this one
		}
	}
}

var allConditions = []string{
	v1alpha1.ConditionReady, v1alpha1.ConditionSecretsResolved, v1alpha1.ConditionRedisReady, v1alpha1.ConditionOpenSearchReady,
	v1alpha1.ConditionModelsReady, v1alpha1.ConditionServerReady, v1alpha1.ConditionConfigApplied, v1alpha1.ConditionCacheEffective,
	v1alpha1.ConditionAlertsClear, v1alpha1.ConditionSnapshotsReady, v1alpha1.ConditionMonitoringReady, v1alpha1.ConditionBudgetWithinLimit,
}

func firstStatus(t *testing.T, rag *v1alpha1.RAGService) {
	eventually(t, 10*time.Second, "a status is written", func() error {
		if err := kube.Get(t.Context(), client.ObjectKeyFromObject(rag), rag); err != nil {
			return err
		}
		if len(rag.Status.Conditions) == 0 {
			return fmt.Errorf("no condition yet")
		}
		return nil
	})
	for _, kind := range allConditions {
		if _, err := condition(t.Context(), rag, kind); err != nil {
			t.Error(err)
		}
	}
}

// commonWord stands in many documents of the collection; loadsAndAnswers sets it.
var commonWord = "wing"

// collection is real text: the Cranfield abstracts where they lie beside the project, else this project's documentation.
func collection(t *testing.T) (ndjson []byte, question string) {
	t.Helper()
	file := os.Getenv("DOCS")
	if file == "" {
		file = filepath.Join("..", "..", "..", "shared", "data", "cranfield", "documents.ndjson")
	}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) && os.Getenv("DOCS") == "" {
		commonWord = "cache"
		return documentation(t), "what reaches running servers without a restart?"
	}
	if err != nil {
		t.Fatal(err)
	}
	return data, "what is the lift increase of a wing in a propeller slipstream?"
}

// documentation is this project's own, a page a document.
func documentation(t *testing.T) []byte {
	t.Helper()
	pages, err := filepath.Glob(filepath.Join("..", "..", "docs", "*.md"))
	if err != nil || len(pages) == 0 {
		t.Fatalf("no documentation: %v", err)
	}
	var ndjson bytes.Buffer
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		line, err := json.Marshal(map[string]string{"id": filepath.Base(page), "text": string(text)})
		if err != nil {
			t.Fatal(err)
		}
		ndjson.Write(append(line, '\n'))
	}
	return ndjson.Bytes()
}

type answerBody struct {
	Answer    string
	Citations []struct {
		DocumentID string `json:"document_id"`
		Quote      string
	}
	Cached bool
}

type searchBody struct {
	Total int
	Hits  []struct {
		DocumentID string `json:"document_id"`
	}
}

func loadsAndAnswers(t *testing.T, rag *v1alpha1.RAGService) {
	service, admin, user := newServiceClient(t, rag), apiKey(t, rag, "admin"), apiKey(t, rag, "client")
	documents, question := collection(t)
	loaded, err := service.do(t.Context(), http.MethodPost, "/api/v1/documents", admin, "application/x-ndjson", documents)
	if err != nil {
		t.Fatal(err)
	}
	var summary struct{ Created, Failed int }
	loaded.decode(t, &summary)
	if want := bytes.Count(bytes.TrimSpace(documents), []byte("\n")) + 1; summary.Created != want || summary.Failed != 0 {
		t.Fatalf("loaded %+v, want %d created: %.500s", summary, want, loaded.body)
	}
	var answer answerBody
	first := service.post(t, "/api/v1/ask", user, http.StatusOK, map[string]any{"query": question})
	first.decode(t, &answer)
	if len(answer.Citations) == 0 || first.header.Get("X-Cache") != "MISS" || answer.Cached {
		t.Fatalf("got X-Cache %s and %s", first.header.Get("X-Cache"), first.body)
	}
	if !strings.Contains(string(documents), answer.Citations[0].DocumentID) {
		t.Errorf("the citation names %s, which was not loaded", answer.Citations[0].DocumentID)
	}
	if r := service.post(t, "/api/v1/ask", "", http.StatusUnauthorized, map[string]any{"query": question}); r.header.Get("X-RateLimit-Limit") != "" {
		t.Error("a caller without a key was told of limits")
	}
	service.post(t, "/api/v1/documents", user, http.StatusForbidden, map[string]any{"id": "x", "text": "y"})
}

func sharesCache(t *testing.T, rag *v1alpha1.RAGService) {
	user := apiKey(t, rag, "client")
	pods := serverPods(t, rag)
	if len(pods) != 2 {
		t.Fatalf("there are %d servers, want 2", len(pods))
	}
	question := map[string]any{"query": "boundary layer transition on a flat plate"}
	podClient(t, pods[0]).post(t, "/api/v1/search", user, http.StatusOK, question)
	eventually(t, 5*time.Second, "the other server has the result from Redis", func() error {
		r := podClient(t, pods[1]).post(t, "/api/v1/search", user, http.StatusOK, question)
		if got := r.header.Get("X-Cache"); got != "HIT" {
			return fmt.Errorf("X-Cache is %s", got)
		}
		return nil
	})
}

// sharesLimits sends one caller's requests to both servers in turn: a limit of its own for each would admit twice as many.
func sharesLimits(t *testing.T, rag *v1alpha1.RAGService) {
	admin := apiKey(t, rag, "admin") // its ask bucket is full: only the client asked so far
	pods := serverPods(t, rag)
	servers := []*serviceClient{podClient(t, pods[0]), podClient(t, pods[1])}
	began, admitted := time.Now(), 0
	var refused reply
	for i := range 30 {
		data := fmt.Appendf(nil, `{"query":"laminar flow %d"}`, i%2)
		r, err := servers[i%2].do(t.Context(), http.MethodPost, "/api/v1/ask", admin, "application/json", data)
		if err != nil {
			t.Fatal(err)
		}
		if r.status == http.StatusTooManyRequests {
			refused = r
			continue
		}
		if r.status != http.StatusOK {
			t.Fatalf("%d %s", r.status, r.body)
		}
		admitted++
	}
	// The free tier's ask: a burst of 10 and 10 a minute.
	most := 10 + int(time.Since(began).Minutes()*10) + 1
	if admitted < 10 || admitted > most {
		t.Errorf("%d requests were admitted, want 10 to %d", admitted, most)
	}
	if refused.header.Get("Retry-After") == "" || !strings.Contains(string(refused.body), "rate_limit_exceeded") {
		t.Errorf("the refusal says %v %s", refused.header, refused.body)
	}
}

func showsHitRate(t *testing.T, rag *v1alpha1.RAGService) {
	eventually(t, time.Minute+tellTimeout, "status shows a hit rate", func() error {
		if err := kube.Get(t.Context(), client.ObjectKeyFromObject(rag), rag); err != nil {
			return err
		}
		cache := rag.Status.Cache
		if cache == nil || cache.HitRatePercent == nil || *cache.HitRatePercent == 0 {
			return fmt.Errorf("status.cache is %+v", cache)
		}
		if *cache.HitRatePercent%5 != 0 {
			t.Fatalf("the hit rate is %d, not a step of 5", *cache.HitRatePercent)
		}
		return nil
	})
}

// forgetsDeleted asks the other server the moment that a deletion is answered.
func forgetsDeleted(t *testing.T, rag *v1alpha1.RAGService) {
	admin := apiKey(t, rag, "admin")
	pods := serverPods(t, rag)
	one, other := podClient(t, pods[0]), podClient(t, pods[1])
	for i := range 5 {
		id := fmt.Sprintf("canary-%d", i)
		one.post(t, "/api/v1/documents", admin, http.StatusOK, map[string]any{"id": id, "text": "The xylocanary nests in turbine blades."})
		question := map[string]any{"query": "xylocanary"}
		for _, server := range []*serviceClient{one, other} {
			// Another server may serve what it cached before for half a second; a deletion, below, may not.
			eventually(t, 5*time.Second, "the canary is found", func() error {
				var found searchBody
				server.post(t, "/api/v1/search", admin, http.StatusOK, question).decode(t, &found)
				if found.Total != 1 {
					return fmt.Errorf("round %d: found %d canaries, want 1", i, found.Total)
				}
				return nil
			})
		}
		r, err := one.do(t.Context(), http.MethodDelete, "/api/v1/documents/"+id, admin, "", nil)
		if err != nil || r.status != http.StatusNoContent {
			t.Fatalf("delete: %d %s %v", r.status, r.body, err)
		}
		for _, server := range []*serviceClient{other, one} {
			var found searchBody
			server.post(t, "/api/v1/search", admin, http.StatusOK, question).decode(t, &found)
			if found.Total != 0 {
				t.Fatalf("round %d: a deleted document is still found", i)
			}
		}
	}
}

func servesWithoutRedis(t *testing.T, rag *v1alpha1.RAGService) {
	service, user := newServiceClient(t, rag), apiKey(t, rag, "client")
	for _, component := range []string{"redis-cache", "redis-state"} {
		err := kube.DeleteAllOf(t.Context(), &corev1.Pod{}, client.InNamespace(rag.Namespace),
			client.MatchingLabels{"app.kubernetes.io/instance": rag.Name, "app.kubernetes.io/component": component}, client.GracePeriodSeconds(0))
		if err != nil {
			t.Fatal(err)
		}
	}
	// Both are gone for a moment, which the status tells; all the while requests are answered.
	asked := 0
	eventually(t, tellTimeout, "RedisReady is False", func() error {
		asked++
		service.post(t, "/api/v1/search", user, http.StatusOK, map[string]any{"query": fmt.Sprintf("supersonic wing %d", asked)})
		c, err := condition(t.Context(), rag, v1alpha1.ConditionRedisReady)
		if err == nil && c.Status != metav1.ConditionFalse {
			err = fmt.Errorf("it is %s", c.Status)
		}
		return err
	})
	service.post(t, "/api/v1/search", user, http.StatusOK, map[string]any{"query": "supersonic wing"})
	awaitReady(t, rag)
}

func keepsDocuments(t *testing.T, rag *v1alpha1.RAGService) {
	service, user := newServiceClient(t, rag), apiKey(t, rag, "client")
	engine := client.ObjectKey{Namespace: rag.Namespace, Name: rag.Name + "-opensearch-0"}
	var before corev1.Pod
	if err := kube.Get(t.Context(), engine, &before); err != nil {
		t.Fatal(err)
	}
	if err := kube.Delete(t.Context(), &before); err != nil {
		t.Fatal(err)
	}
	outages := 0
	eventually(t, startTimeout, "another OpenSearch finds the same documents", func() error {
		r, err := service.do(t.Context(), http.MethodPost, "/api/v1/search", user, "application/json",
			fmt.Appendf(nil, `{"query":"%s %d"}`, commonWord, time.Now().UnixNano())) // never cached
		if err != nil {
			return err
		}
		if r.status != http.StatusOK {
			outages++
			return fmt.Errorf("%d %.200s", r.status, r.body)
		}
		var found searchBody
		if r.decode(t, &found); found.Total == 0 {
			t.Fatal("an outage was answered with nothing found")
		}
		var now corev1.Pod
		if err := kube.Get(t.Context(), engine, &now); err != nil {
			return err
		}
		if now.UID == before.UID {
			return fmt.Errorf("the pod from before still answers")
		}
		return nil
	})
	if outages == 0 {
		t.Error("there was no outage: nothing was tested")
	}
	awaitReady(t, rag)
}
