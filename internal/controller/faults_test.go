package controller

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/ragservice/ragservice-operator/internal/apply"
)

var (
	deployments = schema.GroupResource{Group: "apps", Resource: "deployments"}
	conflict    = apierrors.NewConflict(deployments, "papers-server", errors.New("the object has been modified"))
	forbidden   = apierrors.NewForbidden(deployments, "papers-server", errors.New("exceeded quota"))
)

func failure(err error) error {
	return &apply.Failure{Ref: apply.Ref{Component: "server", Kind: "Deployment", Name: "papers-server"}, Err: err}
}

func TestFaultsHideNone(t *testing.T) {
	t.Parallel()
	unread := errors.New("the cache does not answer")
	for name, c := range map[string]struct {
		err  error
		want []string
	}{
		"nothing":                         {nil, nil},
		"a step and a reading":            {errors.Join(failure(forbidden), unread), []string{"server/ApplyFailed", "/ReconcileFailed"}},
		"joined twice":                    {errors.Join(errors.Join(failure(forbidden), failure(conflict)), unread), []string{"server/ApplyFailed", "server/ReconcileFailed", "/ReconcileFailed"}},
		"a joined error that was wrapped": {fmt.Errorf("applying: %w", errors.Join(failure(forbidden), unread)), []string{"server/ApplyFailed", "/ReconcileFailed"}},
		"two readings, told once":         {errors.Join(unread, unread), []string{"/ReconcileFailed"}},
		"a spec that cannot be built":     {errors.Join(&buildError{errors.New("too long")}, unread), []string{"/ApplyFailed", "/ReconcileFailed"}},
	} {
		var got []string
		for _, f := range faults(c.err) {
			got = append(got, string(f.Component)+"/"+f.Reason)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestAMissingVerbIsNamed(t *testing.T) {
	t.Parallel()
	lacking := apierrors.NewForbidden(deployments, "papers-server",
		errors.New(`User "system:serviceaccount:o:m" cannot patch resource "deployments" in API group "apps" in the namespace "library"`))
	if got, want := faults(failure(lacking))[0].Message, "the operator may not patch deployments"; !strings.Contains(got, want) {
		t.Errorf("the message is %q, want it to say %q", got, want)
	}
}

func TestOnlyConflicts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"nothing":                    {nil, false},
		"two":                        {errors.Join(failure(conflict), fmt.Errorf("writing the status: %w", conflict)), true},
		"a conflict before an error": {errors.Join(failure(conflict), failure(forbidden)), false},
		"an error before a conflict": {errors.Join(failure(forbidden), failure(conflict)), false},
	} {
		if got := onlyConflicts(c.err); got != c.want {
			t.Errorf("%s: %t, want %t", name, got, c.want)
		}
	}
}

func TestNamespaceTerminatesBehindAnotherFailure(t *testing.T) {
	t.Parallel()
	ending := apierrors.NewForbidden(deployments, "papers-server", errors.New("namespace is being terminated"))
	ending.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause}}
	if !namespaceTerminates(errors.Join(failure(conflict), failure(ending))) {
		t.Error("it was not seen behind another failure")
	}
	if namespaceTerminates(errors.Join(failure(conflict), failure(forbidden))) {
		t.Error("it was seen where it is not")
	}
}
