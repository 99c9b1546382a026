package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/ragservice/ragservice-operator/internal/desired"
)

// settings are what flags and environment say.
type settings struct {
	leaderElect bool
	metricsBind string
	probeBind   string
	namespaces  []string
	logLevel    slog.Level
	// operator is for all RAGServices. Its namespace is from POD_NAMESPACE.
	operator desired.OperatorOptions
	// maxRolls is controller.Options.MaxConcurrentRolls.
	maxRolls int
}

// usageError is a command line that cannot be meant.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

// parse reads flags and environment. It writes the list of flags to out when asked for it.
func parse(args []string, getenv func(string) string, out io.Writer) (settings, error) {
	s := settings{operator: desired.OperatorOptions{Namespace: getenv("POD_NAMESPACE"), PodSecurity: desired.PodSecurityFixedIDs}}
	flags := flag.NewFlagSet("manager", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // errors are returned, and printed once
	flags.BoolVar(&s.leaderElect, "leader-elect", false, "let one of several replicas work at a time; needs POD_NAMESPACE")
	flags.StringVar(&s.operator.ID, "operator-id", defaultID(s.operator.Namespace),
		"tells this operator from others in the cluster: its namespace, a dot, and the name of its lease")
	flags.StringVar(&s.metricsBind, "metrics-bind-address", "0", `host:port of the metrics, or "0" for none`)
	flags.StringVar(&s.probeBind, "health-probe-bind-address", ":8081", `host:port of /healthz and /readyz, or "0" for none`)
	flags.StringVar(&s.operator.Images.Server, "server-image", "", "image of the server, where spec.server.image names none")
	flags.StringVar(&s.operator.Images.Redis, "redis-image", "", "image of Redis, where spec.redis.managed.image names none")
	flags.StringVar(&s.operator.Images.OpenSearch, "opensearch-image", "", "image of OpenSearch, where spec.openSearch.managed.image names none")
	flags.Func("pod-security", "who chooses the users of pods: fixed-ids (default; those that the images are made for) or platform (OpenShift)", podSecurityInto(&s.operator.PodSecurity))
	flags.StringVar(&s.operator.StorageClass, "default-storage-class", "",
		"class of new volumes, where a RAGService names none; empty for the cluster's default")
	flags.IntVar(&s.maxRolls, "max-concurrent-rolls", 3,
		"how many RAGServices may have pods replaced at once that their users did not ask for, as after an upgrade; 0 for any number")
	registry := flags.String("image-registry", "",
		"registry, with folders or without, that takes the place of that of the three images")
	pullSecrets := flags.String("image-pull-secret", "",
		"comma-separated names of Secrets with credentials of registries, in the namespace of each RAGService")
	namespaces := flags.String("namespaces", "", "comma-separated namespaces to work in; empty for the whole cluster")
	flags.TextVar(&s.logLevel, "log-level", slog.LevelInfo, "DEBUG, INFO, WARN or ERROR")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			flags.SetOutput(out)
			flags.PrintDefaults()
			return settings{}, err
		}
		return settings{}, &usageError{err}
	}
	s.namespaces = splitList(*namespaces)
	s.operator.ImagePullSecrets = splitList(*pullSecrets)
	problems := s.problems(flags.Args())
	if *registry != "" && !registryForm.MatchString(*registry) {
		problems = append(problems, fmt.Errorf("--image-registry %w, not %q", errRegistry, *registry))
	}
	if err := errors.Join(problems...); err != nil {
		return settings{}, &usageError{err}
	}
	s.operator.Images = fromRegistry(*registry, s.operator.Images)
	return s, nil
}

// defaultLease is the lease that one replica holds, in the operator's namespace. config/rbac/leader_election_role.yaml
// lets it.
const defaultLease = "ragservice-operator"

// defaultID is that of an operator in a namespace; of one outside of the cluster, which has no lease, when that is empty.
func defaultID(namespace string) string {
	if namespace == "" {
		return defaultLease
	}
	return namespace + "." + defaultLease
}

// leaseName is the part of the operator's id that names its lease.
func (s settings) leaseName() string {
	return strings.TrimPrefix(s.operator.ID, s.operator.Namespace+".")
}

func podSecurityInto(to *desired.PodSecurity) func(string) error {
	return func(value string) error {
		switch p := desired.PodSecurity(value); p {
		case desired.PodSecurityFixedIDs, desired.PodSecurityPlatform:
			*to = p
			return nil
		}
		return errors.New("must be fixed-ids or platform")
	}
}

// problems are sentences about what cannot be meant.
func (s settings) problems(rest []string) []error {
	var all []error
	if len(rest) > 0 {
		all = append(all, fmt.Errorf("unexpected argument %q: the operator takes flags only", rest[0]))
	}
	for _, image := range []struct{ flag, value string }{
		{"--server-image", s.operator.Images.Server}, {"--redis-image", s.operator.Images.Redis}, {"--opensearch-image", s.operator.Images.OpenSearch},
	} {
		if image.value == "" || strings.ContainsAny(image.value, " \t\n") {
			all = append(all, fmt.Errorf("%s must name an image, not %q", image.flag, image.value))
		}
	}
	for _, address := range []struct{ flag, value string }{
		{"--metrics-bind-address", s.metricsBind}, {"--health-probe-bind-address", s.probeBind},
	} {
		if _, _, err := net.SplitHostPort(address.value); address.value != "0" && err != nil {
			all = append(all, fmt.Errorf("%s must be host:port, :port or 0, not %q", address.flag, address.value))
		}
	}
	for _, namespace := range s.namespaces {
		if len(validation.IsDNS1123Label(namespace)) > 0 {
			all = append(all, fmt.Errorf("--namespaces: %q is no name of a namespace", namespace))
		}
	}
	if s.maxRolls < 0 {
		all = append(all, fmt.Errorf("--max-concurrent-rolls must be 0 or more, not %d", s.maxRolls))
	}
	if class := s.operator.StorageClass; class != "" && len(validation.IsDNS1123Subdomain(class)) > 0 {
		all = append(all, fmt.Errorf("--default-storage-class: %q is no name of a StorageClass", class))
	}
	for _, name := range s.operator.ImagePullSecrets {
		if len(validation.IsDNS1123Subdomain(name)) > 0 {
			all = append(all, fmt.Errorf("--image-pull-secret: %q is no name of a Secret", name))
		}
	}
	if len(validation.IsValidLabelValue(s.operator.ID)) > 0 || len(validation.IsDNS1123Subdomain(s.leaseName())) > 0 {
		all = append(all, fmt.Errorf("--operator-id must be a value for a label, of at most 63 characters, not %q", s.operator.ID))
	} else if s.leaderElect && s.operator.ID == s.leaseName() {
		all = append(all, fmt.Errorf("--operator-id must begin with %q, where its lease is, not %q", s.operator.Namespace+".", s.operator.ID))
	}
	if s.leaderElect && s.operator.Namespace == "" {
		all = append(all, errors.New("--leader-elect needs the environment variable POD_NAMESPACE, where the lease is kept"))
	}
	return all
}

func splitList(list string) []string {
	if list == "" {
		return nil
	}
	names := strings.Split(list, ",")
	for i := range names {
		names[i] = strings.TrimSpace(names[i])
	}
	slices.Sort(names)
	return slices.Compact(names)
}
