package serverconfig_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/internal/serverconfig"
	"github.com/ragservice/ragservice-operator/runtime/config"
)

func TestOpenSearch(t *testing.T) {
	for spec, want := range map[string]config.OpenSearch{
		"{}":                            {URLs: []string{"http://own"}, Index: "documents", Shards: 1},
		"{index: {name: a, shards: 4}}": {URLs: []string{"http://own"}, Index: "a", Shards: 4},
		"{managed: {nodes: 3}}":         {URLs: []string{"http://own"}, Index: "documents", Shards: 1, Replicas: 1},
		"{managed: {nodes: 3}, index: {replicas: 2}}": {URLs: []string{"http://own"}, Index: "documents", Shards: 1, Replicas: 2},
		"{external: {urls: ['https://a', 'https://b:9200']}}": {
			URLs: []string{"https://a", "https://b:9200"}, Index: "library.papers", Shards: 1, Replicas: 1,
		},
		"{snapshots: {repository: {claimName: backups}, schedule: '@daily'}}": {
			URLs: []string{"http://own"}, Index: "documents", Shards: 1,
			Snapshots: &config.Snapshots{Repository: "snapshots.backups", Location: "library.papers", Keep: 7},
		},
		"{external: {urls: ['https://a']}, index: {name: b}, snapshots: {repository: {name: s3}, schedule: '@daily', keep: 30}}": {
			URLs: []string{"https://a"}, Index: "b", Shards: 1, Replicas: 1, Snapshots: &config.Snapshots{Repository: "s3", Keep: 30},
		},
		"{external: {urls: ['https://a']}, index: {name: b, replicas: 0}}": {URLs: []string{"https://a"}, Index: "b", Shards: 1},
	} {
		got := serverconfig.OpenSearch(load(t, extractive+"  openSearch: "+spec+"\n"), "http://own")
		if diff := cmp.Diff(&want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", spec, diff)
		}
	}
}
