package controller

import (
	"context"

	"k8s.io/utils/ptr"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/apply"
	"github.com/ragservice/ragservice-operator/internal/status"
)

// changes are what a pass wrote. An object that had to be made again, because somebody had deleted it, is in recreated
// and not in Created.
type changes struct {
	apply.ChangeSet
	recreated []apply.Ref
}

// sortChanges tells objects that are new from those that somebody had deleted: after a pass that wrote everything of this
// generation, nothing is new. A restart of the operator forgets such passes.
func (r *Reconciler) sortChanges(rag *v1alpha1.RAGService, made apply.ChangeSet) changes {
	if r.memory.isComplete(rag) {
		recreated := made.Created
		made.Created = nil
		return changes{made, recreated}
	}
	return changes{ChangeSet: made}
}

// isComplete says that a pass wrote everything that the spec asks for.
func isComplete(pass *status.Pass) bool {
	return pass.State != nil && !ptr.Deref(pass.Service.Spec.Suspend, false) && len(pass.State.Withheld) == 0 && len(pass.Faults) == 0
}

// logChanges writes a line for each kind of change.
func logChanges(ctx context.Context, c changes) {
	log := logf.FromContext(ctx)
	for _, each := range []struct {
		what string
		refs []apply.Ref
	}{
		{"created", c.Created},
		{"recreated what somebody had deleted", c.recreated},
		{"updated", c.Updated},
		{"repaired what somebody had changed", c.Drifted},
		{"deleted what is no longer wanted", c.Deleted},
		{"replaced outdated pods", c.Replaced},
		{"rotated Secrets", c.Rotated},
		{"renewed certificates", c.Renewed},
	} {
		if len(each.refs) == 0 {
			continue
		}
		objects := make([]string, len(each.refs))
		for i, ref := range each.refs {
			objects[i] = ref.Kind + "/" + ref.Name
		}
		log.Info(each.what, "objects", objects)
	}
}
