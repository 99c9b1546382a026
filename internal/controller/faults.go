package controller

import (
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/apply"
	"github.com/ragservice/ragservice-operator/internal/status"
)

// buildError is a spec that no State can be made of.
type buildError struct{ error }

func (e *buildError) Unwrap() error { return e.error }

// faults turns the error of a pass into what its status says of it. Messages are for users and stay the same from one
// attempt to the next: what exactly an attempt met is in the log.
func faults(err error) []status.Fault {
	if err == nil {
		return nil
	}
	if invalid, is := errors.AsType[*buildError](err); is {
		return []status.Fault{{Reason: v1alpha1.ReasonApplyFailed, Message: "the spec cannot be used: " + invalid.Error()}}
	}
	failures := apply.Failures(err)
	if len(failures) == 0 {
		return []status.Fault{{
			Reason:  v1alpha1.ReasonReconcileFailed,
			Message: "reading the cluster failed and is tried again; see the operator's log",
		}}
	}
	all := make([]status.Fault, 0, len(failures))
	for _, f := range failures {
		all = append(all, status.Fault{Component: f.Component, Reason: f.Reason(), Message: describe(f)})
	}
	return all
}

func describe(f *apply.Failure) string {
	switch f.Reason() {
	case v1alpha1.ReasonNameConflict:
		return fmt.Sprintf("%s %s exists and belongs to somebody else: delete or rename it", f.Kind, f.Name)
	case v1alpha1.ReasonApplyFailed:
		return fmt.Sprintf("the API server refuses %s %s (%s); the operator's log has its answer", f.Kind, f.Name, refusal(f))
	default:
		return fmt.Sprintf("writing %s %s failed and is tried again; see the operator's log", f.Kind, f.Name)
	}
}

// refusal is the word of the API server, and the field that it names.
func refusal(err error) string {
	word := string(apierrors.ReasonForError(err))
	var answer apierrors.APIStatus
	if !errors.As(err, &answer) || answer.Status().Details == nil {
		return word
	}
	for _, cause := range answer.Status().Details.Causes {
		if cause.Field != "" {
			return word + ", " + cause.Field
		}
	}
	return word
}
