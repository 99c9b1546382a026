package manifest

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"

	"github.com/ragservice/ragservice-operator/config/crd"
)

// definition is the CustomResourceDefinition in the forms that its checks need.
type definition struct {
	structural *structural.Structural
	schema     validation.SchemaValidator
	rules      *cel.Validator
}

// compiled is the definition once a manifest was read.
var compiled struct {
	sync.Mutex
	definition *definition
}

// Forget lets go of what reading a manifest needs, some 7 MB. A process that reads another one makes it anew.
func Forget() {
	compiled.Lock()
	defer compiled.Unlock()
	compiled.definition = nil
}

// loadDefinition compiles the CustomResourceDefinition on first use: its rules need a CEL environment, which takes a
// tenth of a second and some megabytes that a server in a pod never pays.
func loadDefinition() (*definition, error) {
	compiled.Lock()
	defer compiled.Unlock()
	if compiled.definition != nil {
		return compiled.definition, nil
	}
	d, err := compile()
	compiled.definition = d
	return d, err
}

func compile() (*definition, error) {
	var external apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(crd.RAGService, &external); err != nil {
		return nil, fmt.Errorf("reading the embedded CustomResourceDefinition: %w", err)
	}
	var internal apiextensions.JSONSchemaProps
	schemaOfVersion := external.Spec.Versions[0].Schema.OpenAPIV3Schema
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(schemaOfVersion, &internal, nil); err != nil {
		return nil, fmt.Errorf("converting the schema: %w", err)
	}
	s, err := structural.NewStructural(&internal)
	if err != nil {
		return nil, fmt.Errorf("the schema is not structural: %w", err)
	}
	validator, _, err := validation.NewSchemaValidator(&internal)
	if err != nil {
		return nil, fmt.Errorf("building the schema's validator: %w", err)
	}
	return &definition{structural: s, schema: validator, rules: cel.NewValidator(s, true, celconfig.PerCallLimit)}, nil
}

// check validates an object that has its defaults, in the API server's order: rules are evaluated only on an object of
// the right shape.
func (d *definition) check(object map[string]any) field.ErrorList {
	found := validation.ValidateCustomResource(nil, object, d.schema)
	found = append(found, listtype.ValidateListSetsAndMaps(nil, d.structural, object)...)
	if hidesRules(found) {
		return found
	}
	broken, _ := d.rules.Validate(context.Background(), nil, d.structural, object, nil, celconfig.RuntimeCELCostBudget)
	return append(found, broken...)
}

// shapeErrors are the types of errors after which the API server, too, does not go on to the rules: on a wrong shape they
// fail for other reasons than those they are about.
var shapeErrors = []field.ErrorType{
	field.ErrorTypeNotSupported, field.ErrorTypeRequired, field.ErrorTypeTooLong, field.ErrorTypeTooMany,
	field.ErrorTypeTypeInvalid,
}

func hidesRules(found field.ErrorList) bool {
	return slices.ContainsFunc(found, func(e *field.Error) bool { return slices.Contains(shapeErrors, e.Type) })
}
