package manifest

import (
	"strings"

	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

const unknownField = "unknown field: check its spelling and its indentation"

// decodeService returns the RAGService of a document with its defaults. It is never nil, so that the manifest's other
// problems can be told too.
func decodeService(document map[string]any) (*v1alpha1.RAGService, []Problem) {
	service := &v1alpha1.RAGService{}
	d, err := loadDefinition()
	if err != nil {
		return service, []Problem{{"manifest", err.Error()}}
	}
	delete(document, "status") // an API server does not take it from a manifest either
	meta, unknown, err := decodeMeta(document)
	if err != nil {
		return service, []Problem{{"metadata", err.Error()}}
	}
	unknown = append(unknown, pruning.PruneWithOptions(document, d.structural, true,
		structural.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})...)
	var problems []Problem
	for _, path := range unknown {
		problems = append(problems, Problem{path, unknownField})
	}
	defaulting.PruneNonNullableNullsWithoutDefaults(document, d.structural)
	defaulting.Default(document, d.structural)
	found := apivalidation.ValidateObjectMeta(&meta, true, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	for _, e := range append(found, d.check(document)...) {
		problems = append(problems, problemOf(e))
	}
	if len(problems) == 0 {
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(document, service); err != nil {
			problems = append(problems, Problem{"spec", err.Error()})
		}
	}
	service.ObjectMeta = meta
	return service, problems
}

// decodeMeta reads the metadata, puts it into the namespace "default" when it names none, and writes it back without
// its unknown fields, whose paths it returns.
func decodeMeta(document map[string]any) (metav1.ObjectMeta, []string, error) {
	meta, found, unknown, err := objectmeta.GetObjectMetaWithOptions(document, objectmeta.ObjectMetaOptions{ReturnUnknownFieldPaths: true})
	if err != nil {
		return metav1.ObjectMeta{}, nil, err
	}
	if !found {
		meta = &metav1.ObjectMeta{}
	}
	if meta.Namespace == "" {
		meta.Namespace = DefaultNamespace
	}
	return *meta, unknown, objectmeta.SetObjectMeta(document, meta)
}

// problemOf drops the path that the schema's validator repeats in its message. A rule of the whole object has none.
func problemOf(e *field.Error) Problem {
	if e.Field == "" || e.Field == "<nil>" {
		return Problem{Path: "RAGService", Reason: e.Detail}
	}
	return Problem{Path: e.Field, Reason: strings.ReplaceAll(e.ErrorBody(), e.Field+" in body ", "")}
}
