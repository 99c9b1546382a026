package manifest

import (
	"encoding/base64"
	"encoding/json"
	"errors"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"
)

// secret is a Secret of the manifest.
type secret struct {
	name, namespace string
	entries         map[string][]byte
}

// secretDocument is the Secret of the core API with the text of its data, so that an entry that cannot be decoded is
// named and its contents are not.
type secretDocument struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Type              string            `json:"type"`
	Immutable         bool              `json:"immutable"`
	Data              map[string]string `json:"data"`
	StringData        map[string]string `json:"stringData"`
}

func decodeSecret(position int, document map[string]any) (secret, []Problem) {
	var d secretDocument
	problems := unmarshalSecret(position, document, &d)
	if d.Name == "" && len(problems) == 0 {
		problems = append(problems, Problem{documentPath(position), "a Secret needs a metadata.name"})
	}
	s := secret{name: d.Name, namespace: d.Namespace, entries: make(map[string][]byte, len(d.Data)+len(d.StringData))}
	if s.namespace == "" {
		s.namespace = DefaultNamespace
	}
	for key, text := range d.Data {
		value, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			problems = append(problems, Problem{secretPath(d.Name) + " data." + key, "is not base64: encode it, or put the text into stringData"})
		}
		s.entries[key] = value
	}
	for key, text := range d.StringData {
		s.entries[key] = []byte(text)
	}
	return s, problems
}

// unmarshalSecret never passes on the decoder's text of an error, which may quote a value.
func unmarshalSecret(position int, document map[string]any, into *secretDocument) []Problem {
	text, err := json.Marshal(document)
	if err != nil {
		return []Problem{{documentPath(position), "is not a Secret"}}
	}
	unknown, err := kjson.UnmarshalStrict(text, into, kjson.DisallowUnknownFields)
	var problems []Problem
	for _, u := range unknown {
		if f, ok := errors.AsType[kjson.FieldError](u); ok {
			problems = append(problems, Problem{secretPath(into.Name) + " " + f.FieldPath(), unknownField})
		}
	}
	var mistyped *json.UnmarshalTypeError
	switch {
	case errors.As(err, &mistyped):
		problems = append(problems, Problem{documentPath(position), "Secret: " + mistyped.Field + " must be text in quotes"})
	case err != nil:
		problems = append(problems, Problem{documentPath(position), "is not a Secret"})
	}
	return problems
}
