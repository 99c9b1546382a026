// Package alerts defines the alerts of a RAGService, each once: what it is a value of, when it is raised and when it is over. The operator judges
// by it (internal/status) and tells of it (internal/notify), the rules of Prometheus are made of it, and so is a part of docs/alerts.md. It is pure, and knows no object of Kubernetes
// but the RAGService.
package alerts
