package v1alpha1

// AnnotationRequestedAt asks for a reconciliation at once: any new value does, by custom the time.
//
//	kubectl annotate rag NAME ragservice.dev/requested-at="$(date -Is)" --overwrite
const AnnotationRequestedAt = "ragservice.dev/requested-at"
