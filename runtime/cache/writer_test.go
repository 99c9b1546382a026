package cache

import "testing"

func TestPendingWritesAreBoundedByBytes(t *testing.T) {
	t.Parallel()
	w := &writer{pending: make(chan write, maxPending)} // nobody runs it: what is added stays
	value := make([]byte, 1<<20)
	for range 2 * maxPendingBytes / len(value) {
		w.add(write{value: value, valid: func() bool { return false }})
	}
	if got, want := len(w.pending), maxPendingBytes/len(value); got != want {
		t.Errorf("%d values of 1 MiB wait, want %d", got, want)
	}
	w.take(<-w.pending)
	w.add(write{value: value, valid: func() bool { return false }})
	if got, want := len(w.pending), maxPendingBytes/len(value); got != want {
		t.Errorf("%d values wait after one was written and another came, want %d", got, want)
	}
	for range 2 * maxPending {
		w.add(write{value: nil, valid: func() bool { return false }})
	}
	if got := len(w.pending); got != maxPending {
		t.Errorf("%d values wait, want %d", got, maxPending)
	}
	if got := w.bytes.Load(); got != maxPendingBytes {
		t.Errorf("%d bytes are counted, want those that wait", got)
	}
}
