package desired_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/desired/desiredtest"
)

func TestRollOfOpenSearch(t *testing.T) {
	t.Parallel()
	const ready, unready = true, false
	node := func(name, revision string, ready bool) desired.Node {
		return desired.Node{Name: name, UID: types.UID("uid-" + name), Revision: revision, Ready: ready}
	}
	deleting := node("a", "old", ready)
	deleting.Deleting = true
	for name, test := range map[string]struct {
		nodes desired.Nodes
		want  []string
	}{
		"nothing runs":                   {desired.Nodes{}, nil},
		"no pod yet":                     {desired.Nodes{Wanted: 1, Revision: "new"}, nil},
		"the revision is not known":      {desired.Nodes{Wanted: 1, Pods: []desired.Node{node("a", "old", ready)}}, nil},
		"one node, of the latest":        {desired.Nodes{Wanted: 1, Revision: "new", Pods: []desired.Node{node("a", "new", unready)}}, nil},
		"one node waits for no health":   {desired.Nodes{Wanted: 1, Revision: "new", Pods: []desired.Node{node("a", "old", ready)}}, []string{"a"}},
		"one node that is not ready":     {desired.Nodes{Wanted: 1, Revision: "new", Pods: []desired.Node{node("a", "old", unready)}}, []string{"a"}},
		"one node that is being deleted": {desired.Nodes{Wanted: 1, Revision: "new", Pods: []desired.Node{deleting}}, nil},
		"green: one at a time": {desired.Nodes{Wanted: 3, Revision: "new", Green: true, Pods: []desired.Node{
			node("a", "old", ready), node("b", "old", ready), node("c", "new", ready),
		}}, []string{"a"}},
		"not green, or not known": {desired.Nodes{Wanted: 3, Revision: "new", Pods: []desired.Node{
			node("a", "old", ready), node("b", "old", ready), node("c", "new", ready),
		}}, nil},
		"another is not ready": {desired.Nodes{Wanted: 3, Revision: "new", Green: true, Pods: []desired.Node{
			node("a", "old", ready), node("b", "old", ready), node("c", "new", unready),
		}}, nil},
		"another is missing": {desired.Nodes{Wanted: 3, Revision: "new", Green: true, Pods: []desired.Node{
			node("b", "old", ready), node("c", "new", ready),
		}}, nil},
		"another is being deleted": {desired.Nodes{Wanted: 3, Revision: "new", Green: true, Pods: []desired.Node{
			deleting, node("b", "old", ready), node("c", "old", ready),
		}}, nil},
		"those that are not ready go at once, the ready wait": {desired.Nodes{Wanted: 3, Revision: "new", Green: true, Pods: []desired.Node{
			node("a", "old", ready), node("b", "old", unready), node("c", "old", unready),
		}}, []string{"b", "c"}},
	} {
		in := desiredtest.Inputs(desiredtest.Smallest())
		in.OpenSearch = test.nodes
		var want []desired.Action
		for _, pod := range test.want {
			want = append(want, desired.DeletePod{Component: desired.ComponentOpenSearch, Name: pod, UID: types.UID("uid-" + pod)})
		}
		if diff := cmp.Diff(want, build(t, in).AllActions()); diff != "" {
			t.Errorf("%s: actions (-want +got):\n%s", name, diff)
		}
	}
}
