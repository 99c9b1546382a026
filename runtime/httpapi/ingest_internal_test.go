package httpapi

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

func TestFailedDocumentCodes(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		code string
	}{
		"client left":              {fmt.Errorf("write: %w", context.Canceled), "overloaded"},
		"time of the request over": {fmt.Errorf("write: %w", context.DeadlineExceeded), "overloaded"},
		"store timed out":          {&rag.Error{Kind: rag.ErrSearchTimeout, Cause: context.DeadlineExceeded}, "search_timeout"},
		"unknown":                  {errors.New("secret detail"), "internal"},
	} {
		t.Run(name, func(t *testing.T) {
			got := failed(3, "guide.md", test.err)
			if got.Index != 3 || got.ID != "guide.md" || got.Status != rag.StatusFailed || got.Error.Code != test.code {
				t.Errorf("got %+v with code %q, want code %q", got, got.Error.Code, test.code)
			}
		})
	}
}
