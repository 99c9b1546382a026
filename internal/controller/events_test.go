package controller_test

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// eventuallyTellsOf waits until an event with reason begins with each of those told of, and returns all with that reason.
func (w *world) eventuallyTellsOf(reason string, toldOf ...string) []eventsv1.Event {
	w.t.Helper()
	var found []eventsv1.Event
	w.eventually(func() string {
		var all eventsv1.EventList
		w.must(w.List(w.t.Context(), &all, client.InNamespace(w.namespace)))
		found = slices.DeleteFunc(all.Items, func(e eventsv1.Event) bool { return e.Reason != reason })
		var notes []string
		for _, e := range found {
			notes = append(notes, e.Note)
		}
		for _, object := range toldOf {
			if !slices.ContainsFunc(notes, func(note string) bool { return strings.HasPrefix(note, object+" ") }) {
				return "no event " + reason + " of " + object + " but " + strings.Join(notes, "; ")
			}
		}
		return ""
	})
	return found
}

// One pass rotates two Secrets, of which neither holds a certificate.
func TestEachRotatedSecretHasItsEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.startOperator()
	w.ready(w.service())
	first.stop()
	for _, name := range []string{"papers-redis", "papers-api-keys"} {
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name}}
		patch := []byte(`{"metadata":{"annotations":{"` + v1alpha1.AnnotationRotateAt + `":"2030-01-01"}}}`)
		w.must(w.Patch(t.Context(), secret, client.RawPatch(client.Merge.Type(), patch)))
	}
	w.startOperator()
	for _, e := range w.eventuallyTellsOf("SecretRotated", "Secret papers-redis", "Secret papers-api-keys") {
		if e.Related == nil || !strings.HasPrefix(e.Note, e.Related.Kind+" "+e.Related.Name+" ") {
			t.Errorf("the event is related to %v, and says %q", e.Related, e.Note)
		}
		if strings.Contains(e.Note, "certificate") {
			t.Errorf("it speaks of a certificate: %q", e.Note)
		}
	}
}

// Two alerts are raised by the same counts.
func TestEachAlertHasItsEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.startOperator()
	for _, server := range w.ready(w.service()) {
		server.counts(telemetry.Minute{Requests: 100, Errors: 70, Latency: []int64{13: 50, 14: 50}})
	}
	w.eventuallyTellsOf("AlertFiring", "ErrorRate", "LatencyP95")
}
