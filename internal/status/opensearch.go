package status

import (
	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// judgeOpenSearch judges OpenSearchReady: the search engine runs, and the servers reach it.
func judgeOpenSearch(p Pass) finding {
	if p.Observed == nil {
		return keep(p.previous(v1alpha1.ConditionOpenSearchReady))
	}
	if f, ok := p.judgeParts(desired.ComponentOpenSearch); !ok {
		return f
	}
	if f, lost := p.storeUnreachable(v1alpha1.ConditionOpenSearchReady, openSearchState, desired.ComponentOpenSearch); lost {
		return f
	}
	if p.Observed.ReusedVolume {
		return yes(v1alpha1.ReasonReusedVolume,
			"OpenSearch is ready, with the documents on a volume that an earlier RAGService of this name left")
	}
	return yes(v1alpha1.ReasonAvailable, "OpenSearch is ready")
}
