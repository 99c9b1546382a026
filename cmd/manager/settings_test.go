package main

import (
	"bytes"
	"errors"
	"flag"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ragservice/ragservice-operator/internal/desired"
)

var images = []string{"--server-image=s", "--redis-image=r", "--opensearch-image=o"}

func environment(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	args := append([]string{
		"--leader-elect", "--metrics-bind-address=:9090", "--namespaces= b,a,b", "--log-level=DEBUG",
		"--pod-security=platform", "--image-pull-secret=registry,mirror", "--operator-id=rag-system.other",
		"--default-storage-class=fast", "--max-concurrent-rolls=7",
	}, images...)
	got, err := parse(args, environment("POD_NAMESPACE", "rag-system"), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := settings{
		leaderElect: true, metricsBind: ":9090", probeBind: ":8081", namespaces: []string{"a", "b"},
		logLevel: slog.LevelDebug, maxRolls: 7,
		operator: desired.OperatorOptions{
			ID:     "rag-system.other",
			Images: desired.Images{Server: "s", Redis: "r", OpenSearch: "o"}, Namespace: "rag-system",
			PodSecurity: desired.PodSecurityPlatform, StorageClass: "fast", ImagePullSecrets: []string{"mirror", "registry"},
		},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(settings{}), cmpopts.EquateComparable()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestBrokenFlags wants a sentence that names the flag, and status 2.
func TestBrokenFlags(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"unknown":          {append([]string{"--leader"}, images...), "-leader"},
		"no value":         {append([]string{"--log-level=LOUD"}, images...), "log-level"},
		"an argument":      {append([]string{"serve"}, images...), "serve"},
		"an argument last": {append(slices.Clip(images), "serve"), "serve"},
		"no image":         {images[:2], "--opensearch-image"},
		"no port":          {append([]string{"--health-probe-bind-address=here"}, images...), "--health-probe-bind-address"},
		"bad namespace":    {append([]string{"--namespaces=A_B"}, images...), "--namespaces"},
		"empty namespace":  {append([]string{"--namespaces=a,,b"}, images...), "--namespaces"},
		"bad registry":     {append([]string{"--image-registry=https://a"}, images...), "--image-registry"},
		"bad class":        {append([]string{"--default-storage-class=a b"}, images...), "--default-storage-class"},
		"bad rolls":        {append([]string{"--max-concurrent-rolls=-1"}, images...), "--max-concurrent-rolls"},
		"bad pull secret":  {append([]string{"--image-pull-secret=a b"}, images...), "--image-pull-secret"},
		"bad pod security": {append([]string{"--pod-security=root"}, images...), "pod-security"},
		"bad id":           {append([]string{"--operator-id=a/b"}, images...), "--operator-id"},
		"no lease":         {append([]string{"--leader-elect"}, images...), "POD_NAMESPACE"},
	} {
		err := run(t.Context(), c.args, environment(), nil)
		var usage *usageError
		if !errors.As(err, &usage) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want a usage error that names %s", name, err, c.want)
		}
		var stderr bytes.Buffer
		if code := exitCode(err, &stderr); code != 2 || stderr.Len() == 0 {
			t.Errorf("%s: status %d, want 2, and %q on stderr", name, code, stderr.String())
		}
	}
}

func TestHelpListsFlags(t *testing.T) {
	t.Parallel()
	var stdout bytes.Buffer
	err := run(t.Context(), []string{"-h"}, environment(), &stdout)
	if !errors.Is(err, flag.ErrHelp) || exitCode(err, nil) != 0 {
		t.Errorf("%v, want help and status 0", err)
	}
	for _, name := range []string{
		"leader-elect", "namespaces", "server-image", "redis-image", "opensearch-image", "log-level", "pod-security",
		"image-pull-secret", "image-registry", "default-storage-class", "operator-id", "max-concurrent-rolls",
	} {
		if !strings.Contains(stdout.String(), name) {
			t.Errorf("help does not name %s", name)
		}
	}
}

func TestOperatorID(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		namespace, flag string
		id, lease       string
	}{
		"by default":                    {namespace: "rag-system", id: "rag-system.ragservice-operator", lease: "ragservice-operator"},
		"by default, outside a cluster": {id: "ragservice-operator", lease: "ragservice-operator"},
		"by flag":                       {namespace: "rag-system", flag: "rag-system.other", id: "rag-system.other", lease: "other"},
	} {
		args := slices.Clip(images)
		if c.flag != "" {
			args = append(args, "--operator-id="+c.flag)
		}
		s, err := parse(args, environment("POD_NAMESPACE", c.namespace), nil)
		if err != nil || s.operator.ID != c.id || s.leaseName() != c.lease {
			t.Errorf("%s: id %q, lease %q, %v; want %q and %q", name, s.operator.ID, s.leaseName(), err, c.id, c.lease)
		}
	}
	elsewhere := append([]string{"--leader-elect", "--operator-id=elsewhere.other"}, images...)
	if _, err := parse(elsewhere, environment("POD_NAMESPACE", "rag-system"), nil); err == nil {
		t.Error("an id whose lease is in another namespace is taken")
	}
}
