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
	if class, reused := p.Observed.ReusedVolumes[desired.ComponentOpenSearch]; reused {
		return yes(v1alpha1.ReasonReusedVolume,
			"OpenSearch is ready, with the documents on a volume that an earlier RAGService of this name left%s",
			otherClass(class, p.openSearchClass()))
	}
	return yes(v1alpha1.ReasonAvailable, "OpenSearch is ready")
}
