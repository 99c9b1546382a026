package controller

import (
	"errors"
	"fmt"
	"regexp"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/apply"
	"github.com/ragservice/ragservice-operator/internal/status"
)

// buildError is a spec that no State can be made of.
type buildError struct{ error }

func (e *buildError) Unwrap() error { return e.error }

// each are the errors that err joins; err itself when it joins none.
func each(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := errors.AsType[interface {
		error
		Unwrap() []error
	}](err)
	if !ok {
		return []error{err}
	}
	var all []error
	for _, one := range joined.Unwrap() {
		all = append(all, each(one)...)
	}
	return all
}

// onlyConflicts says that err is nothing but writes that met a newer version than the cache knew.
func onlyConflicts(err error) bool {
	for _, one := range each(err) {
		if !apierrors.IsConflict(one) {
			return false
		}
	}
	return err != nil
}

// namespaceTerminates says that a write failed because its namespace is being deleted.
func namespaceTerminates(err error) bool {
	for _, one := range each(err) {
		if apierrors.HasStatusCause(one, corev1.NamespaceTerminatingCause) {
			return true
		}
	}
	return false
}

// faults turns the error of a pass into what its status says of it, each step that failed once. Messages are for users
// and stay the same from one attempt to the next: what exactly an attempt met is in the log.
func faults(err error) []status.Fault {
	var all []status.Fault
	unread := false
	for _, one := range each(err) {
		invalid, isBuild := errors.AsType[*buildError](one)
		queued, isQueued := errors.AsType[*queuedError](one)
		failure, isApply := errors.AsType[*apply.Failure](one)
		switch {
		case isBuild:
			all = append(all, status.Fault{Reason: v1alpha1.ReasonApplyFailed, Message: "the spec cannot be used: " + invalid.Error()})
		case isQueued:
			all = append(all, status.Fault{Reason: v1alpha1.ReasonRollQueued, Message: queued.Error()})
		case isApply:
			all = append(all, status.Fault{Component: failure.Component, Reason: failure.Reason(), Message: describe(failure)})
		case !unread:
			unread = true
			all = append(all, status.Fault{
				Reason:  v1alpha1.ReasonReconcileFailed,
				Message: "reading the cluster failed and is tried again; see the operator's log",
			})
		}
	}
	return all
}

func describe(f *apply.Failure) string {
	if errors.Is(f, apply.ErrBeingCollected) {
		return fmt.Sprintf("%s %s is being deleted, to be made anew", f.Kind, f.Name)
	}
	switch f.Reason() {
	case v1alpha1.ReasonNameConflict:
		return fmt.Sprintf("%s %s exists and belongs to somebody else: delete or rename it", f.Kind, f.Name)
	case v1alpha1.ReasonApplyFailed:
		if f.Kind == "PersistentVolumeClaim" {
			return fmt.Sprintf("volume claim %s cannot grow (%s): its storage class must have allowVolumeExpansion, and quotas must allow it", f.Name, refusal(f))
		}
		return fmt.Sprintf("the API server refuses %s %s (%s); the operator's log has its answer", f.Kind, f.Name, refusal(f))
	default:
		return fmt.Sprintf("writing %s %s failed and is tried again; see the operator's log", f.Kind, f.Name)
	}
}

// deniedVerb finds what a role does not allow, in the API server's own words.
var deniedVerb = regexp.MustCompile(`cannot ([a-z]+) resource "([a-z/]+)"`)

// exceededQuota finds the quota that is full, in the API server's own words.
var exceededQuota = regexp.MustCompile(`exceeded quota: ([a-z0-9.-]+)`)

// refusal is the word of the API server, and the quota or field that it names.
func refusal(err error) string {
	word := string(apierrors.ReasonForError(err))
	if denied := deniedVerb.FindStringSubmatch(err.Error()); denied != nil {
		return fmt.Sprintf("%s: the operator may not %s %s", word, denied[1], denied[2])
	}
	if quota := exceededQuota.FindStringSubmatch(err.Error()); quota != nil {
		return fmt.Sprintf("quota %s is exceeded", quota[1])
	}
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
