package desired_test

import (
	"strings"
	"testing"

	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/desired/desiredtest"
)

// TestServicesNeverShareAName: the objects of two RAGServices, whatever they are called, have different names. They would share one only
// if what is put behind the name of the one ended with what is put behind that of the other.
func TestServicesNeverShareAName(t *testing.T) {
	t.Parallel()
	suffixes := map[string]bool{}
	for _, in := range []desired.Inputs{desiredtest.Inputs(desiredtest.Smallest()), desiredtest.Inputs(desiredtest.Full())} {
		plan := build(t, in)
		for _, o := range plan.Objects() {
			suffixes[strings.TrimPrefix(o.Key.Name, in.Service.Name)] = true
		}
		for _, name := range []string{
			desired.RedisSecretName(in.Service.Name), desired.HashKeysSecretName(in.Service.Name), desired.APIKeysSecretName(desiredtest.Smallest()),
		} {
			suffixes[strings.TrimPrefix(name, in.Service.Name)] = true
		}
	}
	if len(suffixes) < 8 {
		t.Fatalf("only the suffixes %v were found", suffixes)
	}
	for one := range suffixes {
		if !strings.HasPrefix(one, "-") {
			t.Errorf("%q does not begin with the name of its service", one)
		}
		for other := range suffixes {
			if rest, ends := strings.CutSuffix(one, other); ends && rest != "" {
				t.Errorf("papers%s is also the %s of a RAGService papers%s", one, other, rest)
			}
		}
	}
}
