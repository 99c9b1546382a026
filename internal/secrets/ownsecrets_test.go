package secrets_test

import (
	"bytes"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/desired/desiredtest"
	"github.com/ragservice/ragservice-operator/internal/secrets"
	"github.com/ragservice/ragservice-operator/runtime/config"
)

func TestCandidatesAreDrawnForSecretsThatDoNotExist(t *testing.T) {
	t.Parallel()
	w := newWorld(t, desiredtest.Smallest())
	first := byName(w.read().Candidates)
	want := map[string][]string{
		"papers-api-keys":  {"admin", "client"},
		"papers-redis":     {"auth.conf", "password"},
		"papers-hash-keys": {"caller", "roll"},
	}
	got := map[string][]string{}
	for name, data := range first {
		got[name] = slices.Sorted(maps.Keys(data))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("candidates (-want +got):\n%s", diff)
	}
	for name, data := range byName(w.read().Candidates) {
		for key, value := range data {
			if bytes.Equal(value, first[name][key]) {
				t.Errorf("%s of %s was drawn twice the same", key, name)
			}
		}
	}
}

func TestDrawnSecretsAreWhatTheirReadersExpect(t *testing.T) {
	t.Parallel()
	drawn := byName(newWorld(t, desiredtest.Smallest()).read().Candidates)
	keys := config.ParseAPIKeys(drawn["papers-api-keys"]).Keys
	if len(keys) != 2 {
		t.Fatalf("%d keys, want 2", len(keys))
	}
	for i, role := range []string{"admin", "client"} {
		want := config.APIKey{Name: role, Key: keys[i].Key, Role: role}
		if diff := cmp.Diff(want, keys[i]); diff != "" {
			t.Errorf("key %s (-want +got):\n%s", role, diff)
		}
		if bits := len(keys[i].Key) * 6; bits < 256 {
			t.Errorf("key %s has %d bits, want 256", role, bits)
		}
	}
	redis := drawn["papers-redis"]
	if got, want := string(redis["auth.conf"]), "requirepass "+string(redis["password"])+"\n"; got != want {
		t.Error("auth.conf does not require the password")
	}
}

// The pass that makes the Secrets and the next render the same pods: nothing rolls.
func TestRollHashesOfCandidatesStay(t *testing.T) {
	t.Parallel()
	w := newFullWorld(t)
	drawn := w.read()
	w.adopt(drawn.Candidates)
	found := w.read()
	if len(found.Candidates) != 0 {
		t.Errorf("%d candidates beside the Secrets", len(found.Candidates))
	}
	if diff := cmp.Diff(drawn.RollHashes, found.RollHashes); diff != "" {
		t.Errorf("roll hashes (-drawn +found):\n%s", diff)
	}
}

// A cache that does not know the Secret yet must not bring about a second one.
func TestCacheThatIsBehindDrawsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, desiredtest.Smallest())
	w.adopt(w.read().Candidates)
	behind := failingReader{apierrors.NewNotFound(schema.GroupResource{}, "")}
	in, err := secrets.NewReader(behind, w.live, time.Now).Read(w.t.Context(), w.rag)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(in.Candidates); n != 0 {
		t.Errorf("%d candidates, want none", n)
	}
}

func TestGeneratedSecretsThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	stores := []desired.Component{desired.ComponentRedisCache, desired.ComponentRedisState}
	for name, test := range map[string]struct {
		arrange func(*world)
		want    []desired.SecretProblem
	}{
		"names that are taken": {
			func(w *world) {
				for _, name := range []string{"papers-api-keys", "papers-redis", "papers-hash-keys"} {
					w.create(name, map[string]string{"theirs": "1"})
				}
			},
			[]desired.SecretProblem{
				{Field: "metadata.name", Secret: "papers-api-keys", Reason: "NameConflict", Stores: []desired.Component{}},
				{Field: "metadata.name", Secret: "papers-redis", Reason: "NameConflict", Stores: stores},
				{Field: "metadata.name", Secret: "papers-hash-keys", Reason: "NameConflict", Stores: stores},
			},
		},
		"an entry that was removed": {
			func(w *world) {
				w.adopt(w.read().Candidates)
				w.set("papers-redis", "auth.conf", "")
			},
			[]desired.SecretProblem{
				{Field: "metadata.name", Secret: "papers-redis", Key: "auth.conf", Reason: "SecretKeyNotFound", Stores: stores},
			},
		},
		"a key of hashes that was removed": {
			func(w *world) {
				w.adopt(w.read().Candidates)
				w.set("papers-hash-keys", "caller", "")
			},
			[]desired.SecretProblem{
				{Field: "metadata.name", Secret: "papers-hash-keys", Key: "caller", Reason: "SecretKeyNotFound", Stores: stores},
			},
		},
		"a key that somebody added and that is none": {
			func(w *world) {
				w.adopt(w.read().Candidates)
				w.set("papers-api-keys", "bob", "1234")
			},
			[]desired.SecretProblem{{Field: "metadata.name", Secret: "papers-api-keys", Key: "bob", Reason: "KeyRefused"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, desiredtest.Smallest())
			test.arrange(w)
			if diff := cmp.Diff(test.want, withoutDetail(t, w.read().Problems)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func byName(all []desired.GeneratedSecret) map[string]map[string][]byte {
	named := map[string]map[string][]byte{}
	for _, c := range all {
		named[c.Name] = c.Data
	}
	return named
}
