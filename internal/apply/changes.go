package apply

import (
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// ChangeSet is what one Apply wrote; empty when nothing had to be.
type ChangeSet struct {
	Created []Ref
	// Updated are objects that changed because what they are made from did.
	Updated []Ref
	// Drifted are objects that somebody else had changed, and that are as they should be again.
	Drifted []Ref
	// Deleted are objects that are no longer wanted.
	Deleted []Ref
	// Replaced are pods that were deleted so that they come back as their StatefulSet now says.
	Replaced []Ref
	// Rotated are generated Secrets that got new contents because somebody asked, Renewed those whose certificate is about to end.
	Rotated, Renewed []Ref
}

// change is what becomes of one object.
type change int

const (
	noChange change = iota
	created
	updated
	drifted
)

func (p *pass) note(what change, ref Ref) {
	switch what {
	case noChange:
	case created:
		p.changes.Created = append(p.changes.Created, ref)
	case updated:
		p.changes.Updated = append(p.changes.Updated, ref)
	case drifted:
		p.changes.Drifted = append(p.changes.Drifted, ref)
	}
}

// Empty says that nothing was written.
func (c ChangeSet) Empty() bool {
	return len(c.Created)+len(c.Updated)+len(c.Drifted)+len(c.Deleted)+len(c.Replaced)+len(c.Rotated)+len(c.Renewed) == 0
}

// Ref names an object and what it is a part of. Component is empty for what belongs to no single one.
type Ref struct {
	Component  desired.Component
	Kind, Name string
}

// Failure is a step that failed.
//
//nolint:errname // it is a step, and what became of it
type Failure struct {
	Ref
	Err error
}

// Error names the object, whose name is made of the RAGService's and is the same in every pass, and what failed.
func (f *Failure) Error() string { return fmt.Sprintf("%s %s: %v", f.Kind, f.Name, f.Err) }

func (f *Failure) Unwrap() error { return f.Err }

// Reason is a reason of conditions: NameConflict and ApplyFailed wait for a person, Progressing for the garbage collector, and
// ReconcileFailed is tried again.
func (f *Failure) Reason() string {
	switch {
	case errors.Is(f.Err, ErrNameConflict):
		return v1alpha1.ReasonNameConflict
	case errors.Is(f.Err, ErrBeingCollected), errors.Is(f.Err, ErrServiceGoes):
		return v1alpha1.ReasonProgressing
	case apierrors.IsInvalid(f.Err), apierrors.IsBadRequest(f.Err), apierrors.IsForbidden(f.Err):
		return v1alpha1.ReasonApplyFailed
	default:
		return v1alpha1.ReasonReconcileFailed
	}
}

// Failures are the steps that failed, in the order in which they were tried, from the error of Apply.
func Failures(err error) []*Failure {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		if f, failed := errors.AsType[*Failure](err); failed {
			return []*Failure{f}
		}
		return nil
	}
	var all []*Failure
	for _, each := range joined.Unwrap() {
		all = append(all, Failures(each)...)
	}
	return all
}
