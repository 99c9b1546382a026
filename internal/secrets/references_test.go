package secrets_test

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/desired/desiredtest"
	"github.com/ragservice/ragservice-operator/internal/secrets"
)

func TestReferencesThatDoNotResolve(t *testing.T) {
	t.Parallel()
	const model, callers = "spec.models.llm.apiKeySecretRef", "spec.auth.apiKeysSecretRef"
	for name, test := range map[string]struct {
		llm, callers map[string]string
		want         []desired.SecretProblem
	}{
		"all there": {
			map[string]string{"token": modelKey}, map[string]string{"alice": callerKey}, nil,
		},
		"no Secrets": {nil, nil, []desired.SecretProblem{
			{Field: model, Secret: "llm", Key: "token", Reason: "SecretNotFound"},
			{Field: callers, Secret: "callers", Reason: "SecretNotFound"},
		}},
		"no entry": {
			map[string]string{"other": modelKey}, map[string]string{}, []desired.SecretProblem{
				{Field: model, Secret: "llm", Key: "token", Reason: "SecretKeyNotFound"},
				{Field: callers, Secret: "callers", Reason: "SecretKeyNotFound"},
			},
		},
		"empty entry": {
			map[string]string{"token": ""}, map[string]string{"alice": callerKey}, []desired.SecretProblem{
				{Field: model, Secret: "llm", Key: "token", Reason: "SecretKeyNotFound"},
			},
		},
		"entries that are no keys": {
			map[string]string{"token": modelKey},
			map[string]string{
				"alice": callerKey, "not-json": "key-of-a-caller-0123456789", "short": `{"key":"short"}`, "twin": callerKey,
				"role": `{"key":"key-of-a-caller-0123456789","role":"king"}`,
			},
			[]desired.SecretProblem{
				{Field: callers, Secret: "callers", Key: "not-json", Reason: "KeyRefused"},
				{Field: callers, Secret: "callers", Key: "role", Reason: "KeyRefused"},
				{Field: callers, Secret: "callers", Key: "short", Reason: "KeyRefused"},
				{Field: callers, Secret: "callers", Key: "twin", Reason: "KeyRefused"},
			},
		},
		"no entry that is a key": {
			map[string]string{"token": modelKey}, map[string]string{"alice": "key-of-a-caller-0123456789", "bob": ""},
			[]desired.SecretProblem{
				{Field: callers, Secret: "callers", Key: "alice", Reason: "SecretInvalid"},
				{Field: callers, Secret: "callers", Key: "bob", Reason: "SecretInvalid"},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, desiredtest.Full())
			if test.llm != nil {
				w.create("llm", test.llm)
			}
			if test.callers != nil {
				w.create("callers", test.callers)
			}
			in := w.read()
			if diff := cmp.Diff(test.want, withoutDetail(t, in.Problems)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			assertHoldsNo(t, in, modelKey, "key-of-a-caller")
		})
	}
}

// withoutDetail leaves out what is wrong with entries that are no keys, which has to be said.
func withoutDetail(t *testing.T, problems []desired.SecretProblem) []desired.SecretProblem {
	t.Helper()
	var out []desired.SecretProblem
	for _, p := range problems {
		noKey := p.Field != "spec.models.llm.apiKeySecretRef" && p.Key != "" && (p.Reason == "KeyRefused" || p.Reason == "SecretInvalid")
		if noKey != (p.Detail != "") {
			t.Errorf("entry %q of %s: detail %q", p.Key, p.Secret, p.Detail)
		}
		p.Detail = ""
		out = append(out, p)
	}
	return out
}

// A service that asks nobody for a key runs without one, and without an administrator.
func TestAnonymousServiceNeedsNoKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t, desiredtest.Anonymous())
	problem := func(key string) []desired.SecretProblem {
		return []desired.SecretProblem{{Field: "metadata.name", Secret: "papers-api-keys", Key: key, Reason: "KeyRefused"}}
	}
	w.adopt(w.read().Candidates)
	for _, step := range []struct {
		admin, client string
		want          []desired.SecretProblem
	}{
		{callerKey, "", nil},
		{"none", "", problem("admin")},
		{"", "", problem("")},
	} {
		w.set("papers-api-keys", "admin", step.admin)
		w.set("papers-api-keys", "client", step.client)
		if diff := cmp.Diff(step.want, withoutDetail(t, w.read().Problems)); diff != "" {
			t.Errorf("problems (-want +got):\n%s", diff)
		}
	}
}

func TestKeyOfAFallback(t *testing.T) {
	t.Parallel()
	w := newFullWorld(t)
	before := w.read()
	w.set("far", "token", "sk-of-the-fallback-9876543210")
	if after := w.read(); after.RollHashes[desired.ComponentServer] == before.RollHashes[desired.ComponentServer] {
		t.Error("another key does not roll the server")
	}
	w.set("far", "token", "")
	want := []desired.SecretProblem{{
		Field: "spec.models.llm.fallbacks[1].apiKeySecretRef", Secret: "far", Key: "token", Reason: "SecretKeyNotFound",
	}}
	if diff := cmp.Diff(want, w.read().Problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestAuthorities(t *testing.T) {
	t.Parallel()
	full := desiredtest.Full()
	full.Spec.Auth.JWT = &v1alpha1.JWTSpec{CASecretRef: &v1alpha1.SecretKeyReference{Name: "authority-of-tokens", Key: "ca"}}
	w := newWorld(t, full)
	w.create("llm", map[string]string{"token": modelKey})
	w.create("callers", map[string]string{"alice": callerKey})
	for _, named := range []desired.SecretProblem{
		{Field: "spec.models.llm.caSecretRef", Secret: "authority", Key: "bundle.pem"},
		{Field: "spec.models.llm.fallbacks[1].caSecretRef", Secret: "authority-of-far", Key: "ca.pem"},
		{Field: "spec.auth.jwt.caSecretRef", Secret: "authority-of-tokens", Key: "ca"},
	} {
		problem := func(reason string) []desired.SecretProblem {
			named.Reason = reason
			return []desired.SecretProblem{named}
		}
		before := w.read().RollHashes[desired.ComponentServer]
		for value, want := range map[string][]desired.SecretProblem{
			"no certificate": problem("SecretInvalid"), "": problem("SecretKeyNotFound"), certificate(t) + certificate(t): nil,
		} {
			w.set(named.Secret, named.Key, value)
			if diff := cmp.Diff(want, w.read().Problems); diff != "" {
				t.Errorf("with %.20q: problems (-want +got):\n%s", value, diff)
			}
		}
		w.set(named.Secret, named.Key, certificate(t)+certificate(t))
		if w.read().RollHashes[desired.ComponentServer] == before {
			t.Errorf("%s: other certificates do not roll the server", named.Field)
		}
	}
}

func TestMissingSecretIsSeenWhenItAppears(t *testing.T) {
	t.Parallel()
	w := newWorld(t, desiredtest.Full())
	w.read()
	w.create("llm", map[string]string{"token": modelKey})
	w.create("callers", map[string]string{"alice": callerKey})
	if problems := w.read().Problems; len(problems) != 0 {
		t.Errorf("problems %v", problems)
	}
}

func TestContentsAreReadOnceForEachVersion(t *testing.T) {
	t.Parallel()
	w := newFullWorld(t)
	w.adopt(w.read().Candidates)
	w.read()
	for _, step := range []struct {
		change func()
		want   int
	}{
		{func() {}, 0},
		{func() { w.set("llm", "token", "another") }, 1},
		{func() {}, 0},
	} {
		step.change()
		w.live.reads = 0
		w.read()
		if w.live.reads != step.want {
			t.Errorf("%d live reads, want %d", w.live.reads, step.want)
		}
	}
}

func TestRollHashesFollowWhatPodsDependOn(t *testing.T) {
	t.Parallel()
	w := newFullWorld(t)
	w.adopt(w.read().Candidates)
	server, cache, state := desired.ComponentServer, desired.ComponentRedisCache, desired.ComponentRedisState
	all := []desired.Component{server, cache, state}
	before := w.read().RollHashes
	for _, step := range []struct {
		secret, key, value string
		rolled             []desired.Component
	}{
		{"llm", "unrelated", "2", nil},
		{"llm", "token", "another-key-of-the-model", []desired.Component{server}},
		{"callers", "bob", callerKey, nil}, // servers take it up while they run
		{desired.RedisSecretName("papers"), desired.RedisPasswordKey, "another", all},
		{desired.HashKeysSecretName("papers"), desired.RollHashKey, "another", all},
		{desired.HashKeysSecretName("papers"), desired.CallerHashKey, "another", []desired.Component{server}},
	} {
		w.set(step.secret, step.key, step.value)
		after := w.read().RollHashes
		var rolled []desired.Component
		for _, c := range all {
			if after[c] == "" {
				t.Errorf("%s has no hash", c)
			}
			if before[c] != after[c] {
				rolled = append(rolled, c)
			}
		}
		if diff := cmp.Diff(step.rolled, rolled); diff != "" {
			t.Errorf("%s of %s rolls (-want +got):\n%s", step.key, step.secret, diff)
		}
		before = after
	}
}

// What cannot be read is an error and no problem: nothing is known, so nothing may be concluded.
func TestUnreadableSecretIsAnError(t *testing.T) {
	t.Parallel()
	w := newFullWorld(t)
	refusal := apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "llm", errors.New("no"))
	g := secrets.NewReader(w.client, failingReader{refusal}, time.Now)
	if _, err := g.Read(w.t.Context(), w.rag); !apierrors.IsForbidden(err) {
		t.Errorf("error %v, want that of the API server", err)
	}
}

// failingReader answers each read with an error.
type failingReader struct{ err error }

func (r failingReader) Get(context.Context, client.ObjectKey, client.Object, ...client.GetOption) error {
	return r.err
}

func (r failingReader) List(context.Context, client.ObjectList, ...client.ListOption) error {
	return r.err
}

func assertHoldsNo(t *testing.T, in desired.SecretFacts, secrets ...string) {
	t.Helper()
	text := fmt.Sprintf("%s %s", in.Problems, in.RollHashes)
	for _, candidate := range in.Candidates {
		text += fmt.Sprintf(" %s %s", candidate.Name, candidate.Data)
	}
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			t.Errorf("the inputs hold %q", secret)
		}
	}
}

func TestExternalOpenSearch(t *testing.T) {
	t.Parallel()
	rag := desiredtest.Smallest()
	rag.Spec.OpenSearch.External = &v1alpha1.ExternalOpenSearch{
		URLs:                 []v1alpha1.OpenSearchURL{"https://search"},
		CredentialsSecretRef: &v1alpha1.SecretReference{Name: "search"}, CASecretRef: &v1alpha1.SecretKeyReference{Name: "search", Key: "ca"},
	}
	w := newWorld(t, rag) // makes the entry of certificates
	problem := func(field, key, reason string) desired.SecretProblem {
		return desired.SecretProblem{Field: "spec.openSearch.external." + field, Secret: "search", Key: key, Reason: reason}
	}
	w.set("search", "username", "u")
	w.set("search", "ca", "none")
	want := []desired.SecretProblem{
		problem("credentialsSecretRef", "password", "SecretKeyNotFound"), problem("caSecretRef", "ca", "SecretInvalid"),
	}
	if diff := cmp.Diff(want, w.read().Problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	w.set("search", "password", "one")
	w.set("search", "ca", certificate(t))
	before := w.read()
	if len(before.Problems) > 0 {
		t.Errorf("problems %v", before.Problems)
	}
	w.set("search", "password", "two")
	if w.read().RollHashes[desired.ComponentServer] == before.RollHashes[desired.ComponentServer] {
		t.Error("another password does not roll the server")
	}
}

// TestCertificatesExpireWithTheLast of a bundle.
func TestCertificatesExpireWithTheLast(t *testing.T) {
	t.Parallel()
	w := newWorld(t, desiredtest.Full())
	now := time.Now().Truncate(time.Second).UTC()
	bundle := expiringCertificate(t, now.Add(time.Hour)) + "remark\n" + expiringCertificate(t, now.AddDate(1, 0, 0)) + expiringCertificate(t, now.AddDate(-1, 0, 0))
	w.set("authority", "bundle.pem", bundle)
	want := desired.Certificates{Field: "spec.models.llm.caSecretRef", Secret: "authority", Key: "bundle.pem", Expires: now.AddDate(1, 0, 0)}
	if diff := cmp.Diff(want, w.read().Certificates[0]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func expiringCertificate(t *testing.T, expires time.Time) string {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: expires}
	der, err := x509.CreateCertificate(nil, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// TestReceiversSecrets are looked for, and nothing waits for them.
func TestReceiversSecrets(t *testing.T) {
	t.Parallel()
	rag := desiredtest.Smallest()
	rag.Spec.Alerts.Receivers = &v1alpha1.AlertReceivers{
		Slack:   &v1alpha1.SlackReceiver{WebhookURLSecretRef: v1alpha1.SecretKeyReference{Name: "alerts", Key: "slack"}},
		Webhook: &v1alpha1.WebhookReceiver{URLSecretRef: &v1alpha1.SecretKeyReference{Name: "hook", Key: "url"}},
	}
	w := newWorld(t, rag)
	w.create("alerts", map[string]string{"slack": ""})
	want := []desired.SecretProblem{
		{Field: "spec.alerts.receivers.slack.webhookURLSecretRef", Secret: "alerts", Key: "slack", Reason: "SecretKeyNotFound"},
		{Field: "spec.alerts.receivers.webhook.urlSecretRef", Secret: "hook", Key: "url", Reason: "SecretNotFound"},
	}
	w.adopt(w.read().Candidates)
	before := w.read()
	if diff := cmp.Diff(want, before.ReceiverProblems); diff != "" || len(before.Problems) > 0 {
		t.Errorf("other problems %v, those of receivers (-want +got):\n%s", before.Problems, diff)
	}
	w.create("hook", map[string]string{"url": "https://alerts.example.com"})
	w.set("alerts", "slack", "https://hooks.example.com")
	after := w.read()
	if len(after.ReceiverProblems) > 0 || after.RollHashes[desired.ComponentServer] != before.RollHashes[desired.ComponentServer] {
		t.Errorf("problems %v; the server is rolled: %t", after.ReceiverProblems, after.RollHashes[desired.ComponentServer] != before.RollHashes[desired.ComponentServer])
	}
}
