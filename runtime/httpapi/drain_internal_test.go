package httpapi

import (
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
)

// A drain waits for what began before it: no request may have more time than that.
func TestDrainOutlastsEveryRequest(t *testing.T) {
	t.Parallel()
	for _, timeout := range []time.Duration{time.Second, 5 * time.Minute} { // the bounds of spec.models.llm.timeout
		c := &config.Config{LLM: config.LLM{Timeout: config.Duration(timeout)}}
		for _, r := range (&API{}).routes() {
			if got := r.timeout(c); got > config.LongestRequest {
				t.Errorf("%s %s has %s with a model's timeout of %s: more than the drain, %s", r.method, r.path, got, timeout, config.LongestRequest)
			}
		}
	}
}
