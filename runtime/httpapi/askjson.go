package httpapi

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// appendJSON adds what encoding/json would: by hand, since most of a cached answer's time in the handler went into it.
func (a *askAnswer) appendJSON(b []byte) (_ []byte, err error) {
	w := jsonWriter{b: b}
	w.text(`{"query":`, a.Query)
	w.text(`,"answer":`, a.Answer)
	w.b = append(w.b, `,"citations":[`...)
	for i := range a.Citations {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.citation(&a.Citations[i])
	}
	w.b = append(w.b, `],"sources":[`...)
	for i, source := range a.Sources {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.text("", source)
	}
	w.b = append(w.b, ']')
	w.integer(`,"chunks_used":`, a.ChunksUsed)
	w.text(`,"search_mode":`, a.SearchMode)
	w.text(`,"model":`, a.Model)
	w.integer(`,"usage":{"prompt_tokens":`, a.Usage.PromptTokens)
	w.integer(`,"completion_tokens":`, a.Usage.CompletionTokens)
	w.number(`,"cost_usd":`, a.Usage.CostUSD)
	w.b = strconv.AppendBool(append(w.b, `},"cached":`...), a.Cached)
	w.text(`,"finish_reason":`, a.FinishReason)
	if a.Notice != "" {
		w.text(`,"notice":`, a.Notice)
	}
	w.text(`,"trace_id":`, a.TraceID)
	return append(w.b, '}'), w.err
}

// jsonWriter adds members of objects. err is the first error.
type jsonWriter struct {
	b   []byte
	err error
}

func (w *jsonWriter) citation(c *rag.Citation) {
	w.integer(`{"marker":`, c.Marker)
	w.text(`,"chunk_id":`, c.ChunkID)
	w.text(`,"document_id":`, c.DocumentID)
	if c.Title != "" {
		w.text(`,"title":`, c.Title)
	}
	if c.URL != "" {
		w.text(`,"url":`, c.URL)
	}
	w.number(`,"score":`, c.Score)
	w.integer(`,"span":{"start":`, c.Span.Start)
	w.integer(`,"end":`, c.Span.End)
	w.text(`},"quote":`, c.Quote)
	w.b = append(w.b, '}')
}

func (w *jsonWriter) text(name, value string) {
	w.b = append(w.b, name...)
	if isPlain(value) {
		w.b = append(append(append(w.b, '"'), value...), '"')
		return
	}
	w.b, _ = jsontext.AppendQuote(w.b, value) // its error is of text that is not UTF-8: that is U+FFFD then
}

// isPlain says whether JSON has text as it is.
func isPlain(text string) bool {
	ascii := true
	for b := []byte(text); len(b) > 0; { // no copy: nothing is written
		if len(b) >= 8 && isPlainASCII(binary.LittleEndian.Uint64(b)) {
			b = b[8:]
			continue
		}
		switch c := b[0]; {
		case c < ' ', c == '"', c == '\\':
			return false
		case c >= utf8.RuneSelf:
			ascii = false
		}
		b = b[1:]
	}
	return ascii || utf8.ValidString(text)
}

// isPlainASCII says of eight bytes at once that none is a control character, a quote, a backslash or above ASCII. A byte below n
// borrows into its highest bit when n is taken from it, and a byte that equals c is 0 once c is taken off with xor.
func isPlainASCII(eight uint64) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	quote, backslash := eight^(ones*'"'), eight^(ones*'\\')
	return (eight|(eight-ones*' ')|(quote-ones)|(backslash-ones))&highs == 0
}

func (w *jsonWriter) integer(name string, value int) {
	w.b = strconv.AppendInt(append(w.b, name...), int64(value), 10)
}

func (w *jsonWriter) number(name string, value float64) {
	w.b = append(w.b, name...)
	if size := math.Abs(value); size >= 1e-6 && size < 1e21 {
		w.b = strconv.AppendFloat(w.b, value, 'f', -1, 64)
		return
	}
	b, err := json.Marshal(value) // with an exponent, or an error: JSON has neither NaN nor infinity
	w.b, w.err = append(w.b, b...), cmp.Or(w.err, err)
}
