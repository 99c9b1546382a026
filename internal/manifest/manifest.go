package manifest

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// DefaultNamespace is the namespace of a RAGService whose manifest names none.
const DefaultNamespace = "default"

// Manifest is what a file holds.
type Manifest struct {
	// Service has every default of the schema and satisfies its rules.
	Service *v1alpha1.RAGService
	// Secrets are the entries of each Secret, by its name; an entry of stringData goes before one of data, as on an API
	// server.
	Secrets map[string]map[string][]byte
}

// Load reads a file of YAML documents: exactly one RAGService, and any number of Secrets in its namespace. Namespaces
// are passed over, so that a file for a cluster can be used as it is; any other kind is refused, since nothing would
// come of it. The error is an *InvalidError unless the text is not YAML.
func Load(data []byte) (Manifest, error) {
	documents, err := split(data)
	if err != nil {
		return Manifest{}, err
	}
	var l loader
	for i, d := range documents {
		l.add(i+1, d)
	}
	return l.result()
}

// loader gathers what the documents of a file hold and what is wrong with them.
type loader struct {
	services []*v1alpha1.RAGService
	secrets  []secret
	problems []Problem
}

func (l *loader) add(position int, document map[string]any) {
	object := unstructured.Unstructured{Object: document}
	switch object.GetAPIVersion() + " " + object.GetKind() {
	case "v1 Namespace":
	case "v1 Secret":
		s, problems := decodeSecret(position, document)
		l.secrets = append(l.secrets, s)
		l.problems = append(l.problems, problems...)
	case v1alpha1.GroupVersion.String() + " RAGService":
		service, problems := decodeService(document)
		l.services = append(l.services, service)
		l.problems = append(l.problems, problems...)
	default:
		l.report(documentPath(position), "kind %q of apiVersion %q is not used here: a manifest holds one RAGService of %s, "+
			"Secrets of v1, and Namespaces of v1, which are passed over",
			object.GetKind(), object.GetAPIVersion(), v1alpha1.GroupVersion)
	}
}

func (l *loader) report(path, format string, args ...any) {
	l.problems = append(l.problems, Problem{Path: path, Reason: fmt.Sprintf(format, args...)})
}

func (l *loader) result() (Manifest, error) {
	l.checkServices()
	l.checkSecrets()
	if len(l.problems) > 0 {
		return Manifest{}, &InvalidError{Problems: l.problems}
	}
	m := Manifest{Service: l.services[0], Secrets: make(map[string]map[string][]byte, len(l.secrets))}
	for _, s := range l.secrets {
		m.Secrets[s.name] = s.entries
	}
	return m, nil
}

func (l *loader) checkServices() {
	switch len(l.services) {
	case 0:
		l.report("manifest", "holds no RAGService: one of apiVersion %s is needed", v1alpha1.GroupVersion)
	case 1:
	default:
		names := make([]string, len(l.services))
		for i, s := range l.services {
			names[i] = s.Name
		}
		l.report("manifest", "holds %d RAGServices (%s): keep one", len(names), strings.Join(names, ", "))
	}
}

func (l *loader) checkSecrets() {
	seen := map[string]bool{}
	for _, s := range l.secrets {
		if seen[s.name] {
			l.report(secretPath(s.name), "is in the manifest twice: keep one")
		}
		seen[s.name] = true
		if len(l.services) == 1 && s.namespace != l.services[0].Namespace {
			l.report(secretPath(s.name)+" metadata.namespace", "is %q, but the RAGService is in %q and reads Secrets of its "+
				"own namespace only", s.namespace, l.services[0].Namespace)
		}
	}
}

func documentPath(position int) string { return fmt.Sprintf("document %d", position) }

func secretPath(name string) string { return fmt.Sprintf("Secret %q", name) }
