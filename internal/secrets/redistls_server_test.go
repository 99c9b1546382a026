package secrets_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/desired/desiredtest"
	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/test/proc"
)

// TestRedisServesItsCertificates runs each instance as its pod does, out of the files of its volume, and asks it as servers do and as probes do.
// Of redis.conf only the folders and the port are others. While the authority changes, servers that are new or not reach a Redis that is new or not.
func TestRedisServesItsCertificates(t *testing.T) {
	t.Parallel()
	w := newTLSWorld(t)
	old := w.certificates().Data
	w.ask("now")
	w.rotate()
	renewed := w.certificates().Data
	stranger := newTLSWorld(t).certificates().Data
	in := desiredtest.Inputs(w.rag)
	plan, err := desired.Build(in)
	if err != nil {
		t.Fatal(err)
	}
	hosts := hostsOfRedis(t, plan)
	for name, shows := range map[string]map[string][]byte{"before": old, "after": renewed} {
		for _, c := range []desired.Component{desired.ComponentRedisCache, desired.ComponentRedisState} {
			t.Run(name+" "+string(c), func(t *testing.T) {
				t.Parallel()
				r := startRedis(t, plan.Component(c), shows)
				for _, trusts := range []map[string][]byte{old, renewed} {
					if err := r.ping(t, clientTLS(trusts, hosts[c])); err != nil {
						t.Error(err)
					}
				}
				if err := r.ping(t, clientTLS(stranger, hosts[c])); err == nil {
					t.Error("it is trusted by another's authority")
				}
				if err := r.ping(t, clientTLS(renewed, "papers-opensearch")); err == nil {
					t.Error("it is trusted as another host")
				}
				if err := r.ping(t, nil); err == nil {
					t.Error("it answers in plain text")
				}
				for _, probe := range r.probes {
					command := exec.CommandContext(t.Context(), probe[0], append([]string{"-p", r.port}, probe[1:]...)...)
					command.Env = append(os.Environ(), "REDISCLI_AUTH="+passwordOfTest)
					if out, err := command.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != "PONG" {
						t.Errorf("%q: %v %s", probe, err, out)
					}
				}
			})
		}
	}
}

const passwordOfTest = "of-the-test"

// runningRedis is one as its pod runs it.
type runningRedis struct {
	port   string
	probes [][]string
}

// startRedis makes the files of the pod's volume, and runs Redis with them.
func startRedis(t *testing.T, plan desired.ComponentPlan, certificates map[string][]byte) runningRedis {
	t.Helper()
	files, data := t.TempDir(), t.TempDir()
	contents := map[string]map[string][]byte{
		"papers-redis": {"auth.conf": []byte("requirepass " + passwordOfTest + "\n")}, redisTLS: certificates,
	}
	port, err := proc.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	r := runningRedis{port: strconv.Itoa(port)}
	for _, o := range plan.Objects {
		switch object := o.Config.(type) {
		case *corev1ac.ConfigMapApplyConfiguration:
			conf := strings.NewReplacer("/etc/redis", files, "dir /data", "dir "+data, "tls-port 6379", "tls-port "+r.port).Replace(object.Data["redis.conf"])
			contents[*object.Name] = map[string][]byte{"redis.conf": []byte(conf)}
		case *appsv1ac.StatefulSetApplyConfiguration:
			pod := object.Spec.Template.Spec
			for _, volume := range pod.Volumes {
				if volume.Projected != nil {
					project(t, files, volume.Projected.Sources, contents)
				}
			}
			container := pod.Containers[0]
			for _, probe := range []*corev1ac.ProbeApplyConfiguration{container.StartupProbe, container.LivenessProbe, container.ReadinessProbe} {
				r.probes = append(r.probes, probe.Exec.Command)
			}
		}
	}
	program, err := proc.FindProgram("redis-server")
	if err != nil {
		t.Fatal(err)
	}
	p, err := proc.Start(filepath.Join(data, "redis.log"), program, filepath.Join(files, "redis.conf"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.End(syscall.SIGKILL, 0) })
	for deadline := time.Now().Add(30 * time.Second); r.ping(t, &tls.Config{InsecureSkipVerify: true}) != nil; time.Sleep(20 * time.Millisecond) {
		if p.Ended() || time.Now().After(deadline) {
			t.Fatalf("it does not answer: %s", p.LogTail())
		}
	}
	return r
}

// project writes what the kubelet would.
func project(t *testing.T, dir string, sources []corev1ac.VolumeProjectionApplyConfiguration, contents map[string]map[string][]byte) {
	t.Helper()
	write := func(object string, items []corev1ac.KeyToPathApplyConfiguration) {
		for _, item := range items {
			data, ok := contents[object][*item.Key]
			if !ok {
				t.Fatalf("there is no entry %s in %s", *item.Key, object)
			}
			path := filepath.Join(dir, *item.Path)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, source := range sources {
		if source.ConfigMap != nil {
			write(*source.ConfigMap.Name, source.ConfigMap.Items)
		}
		if source.Secret != nil {
			write(*source.Secret.Name, source.Secret.Items)
		}
	}
}

func (r runningRedis) ping(t *testing.T, by *tls.Config) error {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + r.port, Password: passwordOfTest, MaxRetries: -1, TLSConfig: by})
	defer func() { _ = c.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return c.Ping(ctx).Err()
}

// clientTLS is what servers connect with: cmd/ragserver/redis.go.
func clientTLS(trusts map[string][]byte, host string) *tls.Config {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(trusts["ca.crt"])
	return &tls.Config{RootCAs: roots, ServerName: host, MinVersion: tls.VersionTLS12}
}

// hostsOfRedis are the hosts that the servers' configuration names, which says that they are to be reached by TLS.
func hostsOfRedis(t *testing.T, plan desired.Plan) map[desired.Component]string {
	t.Helper()
	for _, o := range plan.Component(desired.ComponentServer).Objects {
		if file, ok := o.Config.(*corev1ac.ConfigMapApplyConfiguration); ok {
			var c config.Config
			if err := yaml.Unmarshal([]byte(file.Data["config.yaml"]), &c); err != nil {
				t.Fatal(err)
			}
			hosts := map[desired.Component]string{}
			for component, instance := range map[desired.Component]config.RedisInstance{
				desired.ComponentRedisCache: c.Stores.Redis.Cache, desired.ComponentRedisState: c.Stores.Redis.State,
			} {
				if instance.TLS == nil || instance.TLS.ServerName != "" {
					t.Fatalf("servers connect to %s with %+v", component, instance.TLS)
				}
				hosts[component] = strings.TrimSuffix(instance.Address, ":6379")
			}
			return hosts
		}
	}
	t.Fatal("the servers have no configuration")
	return nil
}
