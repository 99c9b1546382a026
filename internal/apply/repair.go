package apply

import (
	"context"
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/internal/desired"
)

// repairComponent keeps a component that is held as it was written last: what somebody has changed is set right, and what somebody
// has deleted is made again. What is to become different waits. So does a workload that is gone, since its pods could not start
// without the Secret; and while there is none, or it is to become different itself, nothing is made.
func (p *pass) repairComponent(ctx context.Context, c desired.ComponentPlan) {
	workload := slices.IndexFunc(c.Objects, desired.Object.IsWorkload)
	if workload < 0 {
		return
	}
	r, err := render(c.Objects[workload])
	var runs client.Object
	if err == nil {
		runs, err = p.cached(ctx, r)
	}
	if err != nil || runs == nil {
		p.fail(Ref{Component: c.Name, Kind: c.Objects[workload].GVK.Kind, Name: c.Objects[workload].Key.Name}, err)
		return
	}
	unchanged := runs.GetAnnotations()[AnnotationAppliedHash] == r.hash
	for _, o := range c.Objects {
		p.writeObject(ctx, o, func(v verdict) bool {
			return v.change == drifted || v.change == created && unchanged && !o.IsWorkload()
		})
	}
}
