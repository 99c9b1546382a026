package controller_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// TestAFullQuotaOfObjectsIsNamed: those of pods are refused to the workloads' controllers, this one to the operator.
func TestAFullQuotaOfObjectsIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	none := corev1.ResourceList{"services": resource.MustParse("0")}
	quota := &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "few-objects"}, Spec: corev1.ResourceQuotaSpec{Hard: none},
	}
	w.must(w.Create(t.Context(), quota))
	w.setStatus(quota, func() { quota.Status = corev1.ResourceQuotaStatus{Hard: none, Used: none} }) // of its controller, which does not run here
	w.startOperator()
	rag := w.service()
	w.must(w.Create(t.Context(), rag))
	w.eventuallyShows(rag, map[string]string{"Ready": "False/ApplyFailed", "Stalled": "True/ApplyFailed"})
	c := meta.FindStatusCondition(rag.Status.Conditions, v1alpha1.ConditionReady)
	if !strings.Contains(c.Message, "Service") || !strings.Contains(c.Message, "few-objects") {
		t.Errorf("the message does not name both: %s", c.Message)
	}
}

// TestANamespaceThatGoesCausesNoStorm: there nothing can be made any more, and what is deleted of a service is not fought for.
func TestANamespaceThatGoesCausesNoStorm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.startOperator()
	rag := w.service()
	w.ready(rag)
	w.must(w.Delete(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.namespace}}))
	before := o.requests.count()
	for _, object := range []client.Object{&corev1.ConfigMap{}, &corev1.Service{}} { // as the namespace's controller does, which does not run here
		object.SetNamespace(w.namespace)
		object.SetName("papers-server")
		w.must(w.Delete(t.Context(), object))
	}
	const attempt = http.MethodPatch + " "
	isAttempt := func(request string) bool {
		return strings.HasPrefix(request, attempt) && strings.Contains(request, "/configmaps/papers-server")
	}
	w.eventually(func() string {
		if !slices.ContainsFunc(o.requests.writesSince(before), isAttempt) {
			return "the operator has not noticed"
		}
		return ""
	})
	w.eventually(func() string { // each deletion brings a pass of its own
		before = o.requests.count()
		time.Sleep(500 * time.Millisecond)
		if writes := o.requests.writesSince(before); len(writes) > 0 {
			return fmt.Sprintf("the operator still makes the writes %v", writes)
		}
		return ""
	})
	time.Sleep(3 * time.Second) // that nothing happens can only be seen by watching; failures would be tried after 1 s and 2 s
	if writes := o.requests.writesSince(before); len(writes) > 0 {
		t.Errorf("%d writes in 3 s: %v", len(writes), writes)
	}
	w.must(w.Get(t.Context(), client.ObjectKeyFromObject(rag), rag))
	if c := meta.FindStatusCondition(rag.Status.Conditions, v1alpha1.ConditionReady); c.Status != metav1.ConditionTrue {
		t.Errorf("Ready is %s/%s: a status that nobody needs was written", c.Status, c.Reason)
	}
}

// TestExpiredCertificatesHoldNothingUp.
func TestExpiredCertificatesHoldNothingUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.startOperator()
	authority := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "authority"},
		Data:       map[string][]byte{"ca.crt": certificateUntil(t, time.Now().Add(100*time.Hour))},
	}
	w.must(w.Create(t.Context(), authority))
	rag := w.service(func(s *v1alpha1.RAGServiceSpec) {
		s.Models.LLM = v1alpha1.LLMSpec{
			Provider: v1alpha1.LLMProviderOpenAI, BaseURL: "https://llm.example.com/v1", Model: "m",
			CASecretRef: &v1alpha1.SecretKeyReference{Name: "authority", Key: "ca.crt"},
		}
	})
	w.ready(rag)
	w.eventuallyShows(rag, map[string]string{"SecretsResolved": "True/CertificateExpires"})
	if note := w.eventuallyTells("CertificateExpires"); !strings.Contains(note, "authority") || !strings.Contains(note, "7 days") {
		t.Errorf("the event says %q", note)
	}
	authority.Data["ca.crt"] = certificateUntil(t, time.Now().Add(-time.Hour))
	w.must(w.Update(t.Context(), authority))
	w.eventuallyShows(rag, map[string]string{"SecretsResolved": "False/CertificateExpired", "Ready": "True/Ready", "Stalled": ""})
}

func certificateUntil(t *testing.T, expires time.Time, hosts ...string) []byte {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: expires, DNSNames: hosts}
	der, err := x509.CreateCertificate(nil, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
