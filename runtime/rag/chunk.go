package rag

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"unicode"
)

// Split cuts a document into passages of at most words words, of which two neighbours share overlap (at most half of
// words). A passage ends at the end of a sentence where one lies in its last fifth. The result is the same for the same
// document and numbers; a document has at least one chunk.
func Split(d Document, words, overlap int) []Chunk {
	runes := []rune(d.Text)
	starts, ends := wordBounds(runes)
	var chunks []Chunk
	for first := 0; first < len(starts); {
		last := min(first+words, len(starts)) // one past the last word
		if last < len(starts) {
			last = backToSentence(runes, ends, first, last)
		}
		chunks = append(chunks, newChunk(d, len(chunks), runes, Span{Start: starts[first], End: ends[last-1]}))
		if last == len(starts) {
			break
		}
		first = max(last-overlap, first+1)
	}
	return chunks
}

// ChunkAndHash is d with its chunks and the hash that tells whether it must be written again.
func ChunkAndHash(d Document, s RetrievalSettings) (ChunkedDocument, error) {
	metadata, err := json.Marshal(d.Metadata) // sorts its keys
	if err != nil {
		return ChunkedDocument{}, fmt.Errorf("encode metadata: %w", err)
	}
	sum := fieldsHash(d.ID, d.Title, d.URL, d.Text, string(metadata), strconv.Itoa(s.ChunkWords), strconv.Itoa(s.ChunkOverlap))
	return ChunkedDocument{Document: d, Chunks: Split(d, s.ChunkWords, s.ChunkOverlap), Hash: sum}, nil
}

func newChunk(d Document, n int, runes []rune, span Span) Chunk {
	text := string(runes[span.Start:span.End])
	return Chunk{
		ID:          d.ID + "#" + strconv.Itoa(n),
		DocumentID:  d.ID,
		Title:       d.Title,
		URL:         d.URL,
		Text:        text,
		Span:        span,
		Metadata:    d.Metadata,
		ContentHash: fieldsHash(d.Title, d.URL, text),
	}
}

// wordBounds are the first character of each word and the one after its last.
func wordBounds(runes []rune) (starts, ends []int) {
	inWord := false
	for i, r := range runes {
		if space := unicode.IsSpace(r); space == inWord {
			if space {
				ends = append(ends, i)
			} else {
				starts = append(starts, i)
			}
			inWord = !space
		}
	}
	if inWord {
		ends = append(ends, len(runes))
	}
	return starts, ends
}

// backToSentence moves last back to the end of a sentence within the last fifth of the passage.
func backToSentence(runes []rune, ends []int, first, last int) int {
	for n := last; n > last-(last-first)/5; n-- {
		if strings.ContainsRune(".!?", runes[ends[n-1]-1]) {
			return n
		}
	}
	return last
}

// fieldsHash is the SHA-256 of fields with their lengths, so that no two lists of fields are the same bytes.
func fieldsHash(fields ...string) string {
	h := sha256.New()
	for _, f := range fields {
		writeField(h, f)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func writeField(h hash.Hash, f string) {
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(f)))
	h.Write(length[:])
	h.Write([]byte(f))
}
