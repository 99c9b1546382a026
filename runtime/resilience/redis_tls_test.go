package resilience_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/test/backends"
	"github.com/ragservice/ragservice-operator/test/proc"
)

const certificateName = "redis.example.com"

// certificate writes a certificate for certificateName that signs itself, with its key, and returns what trusts it.
func certificate(t *testing.T) (cert, key string, trusting *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: certificateName}, DNSNames: []string{certificateName},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	trusting = x509.NewCertPool()
	trusting.AddCert(parsed)
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: encoded}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key, trusting
}

func TestRedisThroughTLS(t *testing.T) {
	t.Parallel()
	cert, key, trusting := certificate(t)
	port, err := proc.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	server := backends.Redis(t, "--tls-port", strconv.Itoa(port), "--tls-cert-file", cert, "--tls-key-file", key,
		"--tls-auth-clients", "no", "--requirepass", "secret")
	encrypted := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	tests := map[string]struct {
		address string
		config  *tls.Config
		why     resilience.Outcome // empty when it works
	}{
		"with the authority and the name": {encrypted, &tls.Config{RootCAs: trusting, ServerName: certificateName}, ""},
		"with the host of the address":    {encrypted, &tls.Config{RootCAs: trusting}, resilience.OutcomeTLS},
		"with the system's authorities":   {encrypted, &tls.Config{ServerName: certificateName}, resilience.OutcomeTLS},
		// Redis waits for the end of what it takes for a command.
		"to a Redis that speaks no TLS":    {server.Addr(), &tls.Config{RootCAs: trusting, ServerName: certificateName}, resilience.OutcomeTimeout},
		"in plain text, to one that wants": {encrypted, nil, resilience.OutcomeUnreachable},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := resilience.RedisOptions{Address: test.address, TLS: test.config, Password: "secret", Timeout: patience}
			if test.why == resilience.OutcomeTimeout {
				o.Timeout = 0 // what the budget is
			}
			r, told := guard(t, o)
			if test.why == "" {
				until(t, "up", hasHealth(r, resilience.HealthUp))
				if err := get(t.Context(), r); !errors.Is(err, redis.Nil) {
					t.Errorf("get of a missing key: %v", err)
				}
				return
			}
			until(t, "down", hasHealth(r, resilience.HealthDown))
			if got := told.lastDown(); got != test.why {
				t.Errorf("why it is down: %q, want %q", got, test.why)
			}
		})
	}
}

// TestAReplicaIsReadOnly makes a replica of a Redis that is in use.
func TestAReplicaIsReadOnly(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	r, told := guard(t, resilience.RedisOptions{Address: server.Addr(), Timeout: patience})
	until(t, "a write", func() bool { return set(t.Context(), r) == nil })
	if _, err := server.Ask("replicaof", "127.0.0.1", "1"); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if err := set(t.Context(), r); !redis.IsReadOnlyError(err) {
			t.Fatalf("set: %v, want -READONLY", err)
		}
	}
	if err := get(t.Context(), r); err != nil {
		t.Errorf("a read: %v, want an answer", err)
	}
	if got := told.count(resilience.OutcomeReadOnly); got != 10 || r.Health() != resilience.HealthUp {
		t.Errorf("%d calls told as %q, want 10, and redis is %s", got, resilience.OutcomeReadOnly, r.Health())
	}
	if _, err := server.Ask("replicaof", "no", "one"); err != nil {
		t.Fatal(err)
	}
	if err := set(t.Context(), r); err != nil {
		t.Errorf("a write to a primary again: %v", err)
	}
}
