package main

import (
	"testing"

	"github.com/ragservice/ragservice-operator/internal/desired"
)

func TestImagesOfAnotherRegistry(t *testing.T) {
	t.Parallel()
	const digest = "@sha256:0123"
	args := []string{
		"--image-registry=mirror.example.com:5000/team",
		"--server-image=ragservice/server:1", "--redis-image=docker.io/library/redis:8.2", "--opensearch-image=localhost/opensearch" + digest,
	}
	got, err := parse(args, environment(), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := desired.Images{
		Server:     "mirror.example.com:5000/team/ragservice/server:1",
		Redis:      "mirror.example.com:5000/team/library/redis:8.2",
		OpenSearch: "mirror.example.com:5000/team/opensearch" + digest,
	}
	if got.operator.Images != want {
		t.Errorf("images %+v, want %+v", got.operator.Images, want)
	}
	for image, moves := range map[string]string{"redis": "m/redis", "redis:8": "m/redis:8", "host:5000/a/b:1": "m/a/b:1"} {
		if got := moved(image, "m"); got != moves {
			t.Errorf("%s becomes %s, want %s", image, got, moves)
		}
	}
}
