package crd_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUpdates(t *testing.T) {
	const (
		stateStorage = "spec.redis.managed.stateStorage FieldValueForbidden"
		storage      = "spec.openSearch.managed.storage FieldValueForbidden"
		class        = "spec.openSearch.managed.storageClassName FieldValueForbidden"
	)
	tests := []struct {
		name, before, after string
		refused             []string
	}{
		{name: "stateStorage grows", before: "redis: {managed: {stateStorage: 1Gi}}", after: "redis: {managed: {stateStorage: 2Gi}}"},
		{name: "stateStorage given late and larger", before: "", after: "redis: {managed: {stateStorage: 2Gi}}"},
		{name: "stateStorage given late and the same", before: "", after: "redis: {managed: {stateStorage: 1Gi}}"},
		{name: "stateStorage written in another unit", before: "redis: {managed: {stateStorage: 1Gi}}", after: "redis: {managed: {stateStorage: 1024Mi}}"},
		{name: "stateStorage taken away", before: "redis: {managed: {stateStorage: 2Gi}}", after: "", refused: []string{stateStorage}},
		{name: "stateStorage taken away from inside", before: "redis: {managed: {stateStorage: 2Gi}}", after: "redis: {managed: {}}", refused: []string{stateStorage}},
		{name: "default stateStorage taken away", before: "redis: {managed: {stateStorage: 1Gi}}", after: ""},
		{name: "storage shrinks", before: "openSearch: {managed: {storage: 20Gi}}", after: "openSearch: {managed: {storage: 10Gi}}", refused: []string{storage}},
		{name: "storage written in another unit", before: "openSearch: {managed: {storage: 2Gi}}", after: "openSearch: {managed: {storage: 2048Mi}}"},
		{name: "storage grows", before: "openSearch: {managed: {storage: 20Gi}}", after: "openSearch: {managed: {storage: 30Gi}}"},
		{name: "storage given late and smaller", before: "openSearch: {}", after: "openSearch: {managed: {storage: 2Gi}}", refused: []string{storage}},
		{name: "storage given late and larger", before: "openSearch: {}", after: "openSearch: {managed: {storage: 20Gi}}"},
		{name: "storage given late and the same", before: "openSearch: {managed: {}}", after: "openSearch: {managed: {storage: 10Gi}}"},
		{name: "class changes", before: "openSearch: {managed: {storageClassName: slow}}", after: "openSearch: {managed: {storageClassName: fast}}", refused: []string{class}},
		{name: "class given late", before: "", after: "openSearch: {managed: {storageClassName: fast}}", refused: []string{class}},
		{name: "class taken away", before: "openSearch: {managed: {storageClassName: slow}}", after: "openSearch: {managed: {}}", refused: []string{class}},
		{name: "class of Redis changes", before: "redis: {managed: {storageClassName: slow}}", after: "redis: {managed: {storageClassName: fast}}", refused: []string{"spec.redis.managed.storageClassName FieldValueForbidden"}},
		{name: "class of Redis given late", before: "", after: "redis: {managed: {storageClassName: fast}}", refused: []string{"spec.redis.managed.storageClassName FieldValueForbidden"}},
		{name: "a managed Redis with a volume becomes external", before: "redis: {managed: {stateStorage: 5Gi, storageClassName: fast}}", after: "redis: {external: {addresses: ['a:1']}}"},
		{name: "an external Redis becomes managed", before: "redis: {external: {addresses: ['a:1']}}", after: "redis: {managed: {stateStorage: 64Mi, storageClassName: fast}}"},
		{name: "an external Redis changes", before: "redis: {external: {addresses: ['a:1']}}", after: "redis: {external: {mode: Cluster, addresses: ['a:1', 'b:1']}}"},
		{name: "pull secrets come and go", before: "imagePullSecrets: [{name: a}]", after: "imagePullSecrets: [{name: b}, {name: c}]"},
		{name: "several at once", before: "", after: "openSearch: {managed: {storage: 2Gi, storageClassName: fast}}", refused: []string{storage, class}},
		{name: "what is not a volume", before: "openSearch: {managed: {heap: 1Gi}}", after: "openSearch: {managed: {heap: 2Gi, image: i}}"},
		{name: "index gets another name", before: "openSearch: {index: {name: a}}", after: "openSearch: {index: {name: b}}", refused: []string{"spec.openSearch.index.name FieldValueForbidden"}},
		{name: "index gets a name", before: "", after: "openSearch: {index: {name: b}}", refused: []string{"spec.openSearch.index.name FieldValueForbidden"}},
		{name: "index loses its name", before: "openSearch: {index: {name: a}}", after: "", refused: []string{"spec.openSearch.index.name FieldValueForbidden"}},
		{name: "nodes grow", before: "openSearch: {managed: {nodes: 1}}", after: "openSearch: {managed: {nodes: 5}}"},
		{name: "nodes given late", before: "", after: "openSearch: {managed: {nodes: 3}}"},
		{name: "fewer nodes", before: "openSearch: {managed: {nodes: 3}}", after: "openSearch: {managed: {nodes: 1}}"},
		{name: "nodes taken away", before: "openSearch: {managed: {nodes: 3}}", after: ""},
		{name: "external for managed", before: "openSearch: {managed: {storage: 20Gi, storageClassName: slow}}", after: "openSearch: {external: {urls: ['https://s']}, index: {name: b}}"},
		{name: "managed for external", before: "openSearch: {external: {urls: ['https://s']}, index: {name: b}}", after: "openSearch: {managed: {storage: 5Gi, storageClassName: fast}}"},
		{name: "index of an external one", before: "openSearch: {external: {urls: ['https://s']}, index: {name: b}}", after: "openSearch: {external: {urls: ['https://t']}, index: {name: c}}", refused: []string{"spec.openSearch.index.name FieldValueForbidden"}},
		{name: "shards change", before: "openSearch: {index: {name: a}}", after: "openSearch: {index: {name: a, shards: 3}}"},
		{name: "generation up", before: "cache: {generation: 3}", after: "cache: {generation: 5}"},
		{name: "generation the same", before: "cache: {generation: 3}", after: "cache: {generation: 3, enabled: false}"},
		{name: "generation down", before: "cache: {generation: 3}", after: "cache: {generation: 2}", refused: []string{"spec.cache.generation FieldValueForbidden"}},
		{name: "generation taken away", before: "cache: {generation: 3}", after: "", refused: []string{"spec.cache.generation FieldValueForbidden"}},
	}
	_, c := apiServer(t)
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			name := fmt.Sprintf("update-%d", i)
			created := create(t, c, name, extractive+tt.before)
			changed := manifest(t, name, extractive+tt.after)
			changed.SetResourceVersion(created.GetResourceVersion())
			err := c.Update(context.Background(), changed)
			if diff := cmp.Diff(tt.refused, refusals(err)); diff != "" {
				t.Errorf("refused (-want +got):\n%s\n%v", diff, err)
			}
			if tt.refused == nil && err != nil {
				t.Error(err)
			}
		})
	}
}
