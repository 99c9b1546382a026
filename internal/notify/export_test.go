package notify

import (
	"context"

	"github.com/ragservice/ragservice-operator/alerts"
	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/status"
)

// Body is the message of a notice.
func Body(rag *v1alpha1.RAGService, of alerts.Alert, n status.Notice) ([]byte, error) {
	return body(rag, of, n)
}

// Drain stands for the controller's queue: tests make passes by themselves.
func (n *Notifier) Drain(ctx context.Context) {
	for {
		select {
		case <-n.Changes:
		case <-ctx.Done():
			return
		}
	}
}
