package main

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ragservice/ragservice-operator/runtime/logging"
)

func TestLastWord(t *testing.T) {
	failed := errors.New("failed")
	for _, tt := range []struct {
		told bool
		err  error
		want logging.Event
	}{
		{told: true, want: logging.ServerStopped{}},
		{told: true, err: failed, want: logging.ServerStopped{Err: failed}},
		{err: failed, want: logging.ServerFailed{Err: failed}},
	} {
		if diff := cmp.Diff(tt.want, lastWord(tt.told, tt.err), cmpopts.EquateErrors()); diff != "" {
			t.Errorf("told %v, error %v (-want +got):\n%s", tt.told, tt.err, diff)
		}
	}
}
