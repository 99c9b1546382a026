package logging

import (
	"encoding/json"
	"io"
	"slices"
	"strings"
	"sync/atomic"
)

const (
	// minSecret is the shortest secret that is blotted out, in bytes. Shorter ones would tear holes into words; keys that
	// the service makes are many times as long.
	minSecret = 8
	redacted  = "[redacted]"
)

// redactor blots out secrets in finished lines, so that no attribute, error or nested value can carry one past it.
type redactor struct {
	w        io.Writer
	replacer atomic.Pointer[strings.Replacer]
}

func (r *redactor) set(secrets []string) {
	// The longest first: of a secret that begins another, no tail must stay.
	secrets = slices.SortedFunc(slices.Values(secrets), func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, s := range secrets {
		if len(s) >= minSecret {
			pairs = append(pairs, s, redacted, escape(s), redacted)
		}
	}
	r.replacer.Store(strings.NewReplacer(pairs...))
}

// escape is s as it stands in a line of JSON, without its quotes.
func escape(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return s // never: a string always encodes
	}
	return strings.TrimSuffix(b.String(), "\"\n")[1:]
}

func (r *redactor) Write(line []byte) (int, error) {
	replacer := r.replacer.Load()
	if replacer == nil {
		return r.w.Write(line)
	}
	if _, err := io.WriteString(r.w, replacer.Replace(string(line))); err != nil {
		return 0, err
	}
	return len(line), nil
}
