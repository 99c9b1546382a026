package v1alpha1

// AnnotationRequestedAt asks for a reconciliation at once: any new value does, by custom the time.
//
//	kubectl annotate rag NAME ragservice.dev/requested-at="$(date -Is)" --overwrite
const AnnotationRequestedAt = "ragservice.dev/requested-at"

// AnnotationRotateAt asks, on a Secret that the operator generated, for new contents: any new value does, by custom the time. Redis and the
// servers are replaced where they hold the old ones; servers take up new keys of callers while they run.
//
//	kubectl annotate secret NAME-redis ragservice.dev/rotate-at="$(date -Is)" --overwrite
const AnnotationRotateAt = "ragservice.dev/rotate-at"
