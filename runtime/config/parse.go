package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// Parse reads a configuration in YAML and validates it. Names of fields are case-sensitive. The path of a field that this
// version does not know is in unknown, for a warning: an upgrade writes the new configuration while servers of the old
// version still run.
func Parse(data []byte) (cfg Config, unknown []string, err error) {
	asJSON, err := yaml.YAMLToJSONStrict(data)
	if err != nil {
		return Config{}, nil, fmt.Errorf("the configuration is not YAML: %w", err)
	}
	extra, err := kjson.UnmarshalStrict(asJSON, &cfg, kjson.DisallowUnknownFields)
	if err != nil {
		return Config{}, nil, typeError(err)
	}
	for _, e := range extra {
		if f, ok := errors.AsType[kjson.FieldError](e); ok {
			unknown = append(unknown, f.FieldPath())
		}
	}
	if err := cfg.Validate(); err != nil {
		return Config{}, unknown, err
	}
	return cfg, unknown, nil
}

// typeError puts the field's path in front, as Validate does.
func typeError(err error) error {
	var mistyped *json.UnmarshalTypeError
	if !errors.As(err, &mistyped) {
		return err
	}
	if mistyped.Field == "" {
		return fmt.Errorf("the configuration must be an object, not %s", mistyped.Value)
	}
	return fmt.Errorf("%s: must be %s, not %s", mistyped.Field, wanted(mistyped), mistyped.Value)
}

func wanted(e *json.UnmarshalTypeError) string {
	if e.Type == reflect.TypeFor[Duration]() {
		return `a duration such as "90s"`
	}
	switch e.Type.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.Slice:
		return "a list"
	case reflect.Struct:
		return "an object"
	default:
		return "text"
	}
}
