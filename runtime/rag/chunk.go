package rag

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ragservice/ragservice-operator/runtime/segment"
)

// charactersAWord bounds a passage in characters: text without spaces has few words.
const charactersAWord = 8

// Split cuts a document into passages of whole units (package segment), each with at most the given words and eight times as many
// characters. A unit longer than that is cut between words, or between characters. Two neighbours share units of at
// most overlap words (at most half of words) and eight times as many characters. A passage ends before a heading rather
// than behind it. The result is the same for the same document and numbers; a document has at least one chunk.
func Split(d Document, words, overlap int) []Chunk {
	s := &splitter{document: d, words: max(words, 1), overlap: min(overlap, words/2), trail: &trail{}}
	for u := range segment.Units(d.Text) {
		s.add(u)
	}
	if len(s.units) == 0 && len(s.chunks) == 0 { // decoration alone
		s.add(segment.Unit{Start: 0, End: len(d.Text)})
	}
	s.flush()
	return s.chunks
}

// splitter is the state of one Split.
type splitter struct {
	document       Document
	words, overlap int
	chunks         []Chunk
	// units are those of the passage that is being filled; the first shared of them were in the one before.
	units  []placed
	shared int
	// size is the number of words of the units.
	size int
	// at and characters are how far characters were counted: up to byte at.
	at, characters int
	trail          *trail
}

// placed is a unit with its place in bytes and in characters.
type placed struct {
	segment.Unit
	span  Span
	words int
	// heading is the path of headings above it.
	heading string
}

// add puts a unit into the passage, or in parts into several.
func (s *splitter) add(u segment.Unit) {
	limit := charactersAWord * s.words
	if wordCount(s.document.Text[u.Start:u.End]) <= s.words && utf8.RuneCountInString(s.document.Text[u.Start:u.End]) <= limit {
		s.put(u)
		return
	}
	most := s.words
	if s.overlap > 0 {
		most = s.overlap // so that neighbours can share a part
	}
	for u.Start < u.End {
		part := u
		part.End = u.Start + partEnd(s.document.Text[u.Start:u.End], most, charactersAWord*most)
		u.Start = part.End
		text := s.document.Text[part.Start:part.End]
		part.Start += len(text) - len(strings.TrimLeftFunc(text, unicode.IsSpace))
		part.End -= len(text) - len(strings.TrimRightFunc(text, unicode.IsSpace))
		if part.Start < part.End {
			s.put(part)
		}
	}
}

func (s *splitter) put(u segment.Unit) {
	text := s.document.Text[u.Start:u.End]
	start := s.characters + utf8.RuneCountInString(s.document.Text[s.at:u.Start])
	if u.Kind == segment.Heading {
		s.trail.leave(u.Level)
	}
	p := placed{Unit: u, span: Span{Start: start, End: start + utf8.RuneCountInString(text)}, words: wordCount(text), heading: s.trail.path}
	s.at, s.characters = u.End, p.span.End
	if u.Kind == segment.Heading {
		s.trail.add(u.Level, text)
	}
	if len(s.units) > 0 && !s.fits(p) {
		s.flush()
		for len(s.units) > 0 && !s.fits(p) { // what is shared leaves no room
			s.drop()
		}
	}
	s.units = append(s.units, p)
	s.size += p.words
}

func (s *splitter) fits(p placed) bool {
	return s.size+p.words <= s.words && p.span.End-s.units[0].span.Start <= charactersAWord*s.words
}

// drop takes the first of the shared units away.
func (s *splitter) drop() {
	s.size -= s.units[0].words
	s.units = s.units[1:]
	s.shared--
}

// flush makes a passage of the units, and keeps those that the next one shares.
func (s *splitter) flush() {
	end := len(s.units)
	for end > s.shared+1 && s.units[end-1].Kind == segment.Heading {
		end-- // a heading stands with what it is over
	}
	if end <= s.shared {
		return
	}
	s.chunks = append(s.chunks, s.chunk(s.units[:end]))
	keep, shared := end, 0
	for keep > 1 && shared+s.units[keep-1].words <= s.overlap &&
		s.units[end-1].span.End-s.units[keep-1].span.Start <= charactersAWord*s.overlap {
		keep--
		shared += s.units[keep].words
	}
	s.shared = end - keep
	s.units = append([]placed(nil), s.units[keep:]...)
	s.size = 0
	for _, u := range s.units {
		s.size += u.words
	}
}

func (s *splitter) chunk(units []placed) Chunk {
	d, first, last := s.document, units[0], units[len(units)-1]
	text := d.Text[first.Start:last.End]
	c := Chunk{
		ID:          d.ID + "#" + strconv.Itoa(len(s.chunks)),
		DocumentID:  d.ID,
		Title:       d.Title,
		URL:         d.URL,
		Heading:     first.heading,
		Language:    d.Language,
		Text:        text,
		Span:        Span{Start: first.span.Start, End: last.span.End},
		Units:       make(Units, len(units)),
		Metadata:    d.Metadata,
		ContentHash: fieldsHash(d.Title, d.URL, first.heading, text),
	}
	for i, u := range units {
		c.Units[i] = Unit{
			Span: Span{Start: u.span.Start - first.span.Start, End: u.span.End - first.span.Start},
			Kind: u.Kind, Level: u.Level, Context: u.Context,
		}
	}
	return c
}

// ChunkAndHash is d with its chunks and the hash that tells whether it must be written again.
func ChunkAndHash(d Document, s RetrievalSettings) (ChunkedDocument, error) {
	metadata, err := json.Marshal(d.Metadata) // sorts its keys
	if err != nil {
		return ChunkedDocument{}, fmt.Errorf("encode metadata: %w", err)
	}
	hashed := []string{d.ID, d.Title, d.URL, d.Text, d.Language, string(metadata),
		strconv.Itoa(s.ChunkWords), strconv.Itoa(s.ChunkOverlap), segment.Version}
	hashed = append(hashed, slices.Sorted(slices.Values(d.Access.groups()))...)
	sum := fieldsHash(hashed...)
	return ChunkedDocument{Document: d, Chunks: Split(d, s.ChunkWords, s.ChunkOverlap), Hash: sum}, nil
}

// trail is the path of headings that a place of a document stands under.
type trail struct {
	levels []int
	titles []string
	path   string
}

// headingSeparator stands between the headings of a path.
const headingSeparator = " > "

// Headings are the headings of the path that the passage begins under, outermost first.
func (c Chunk) Headings() []string {
	if c.Heading == "" {
		return nil
	}
	return strings.Split(c.Heading, headingSeparator)
}

// maxHeading bounds a heading of a path, in bytes, and maxTrail how many there are.
const (
	maxHeading = 200
	maxTrail   = 4
)

// leave ends the parts of the document that a heading of that level ends.
func (t *trail) leave(level int) {
	for n := len(t.levels); n > 0 && t.levels[n-1] >= level; n-- {
		t.levels, t.titles = t.levels[:n-1], t.titles[:n-1]
	}
	t.join()
}

func (t *trail) join() {
	t.path = strings.Join(t.titles[max(0, len(t.titles)-maxTrail):], headingSeparator)
}

// add goes into the part of the document that a heading begins.
func (t *trail) add(level int, title string) {
	t.leave(level)
	title = strings.Join(strings.Fields(title), " ")
	if len(title) > maxHeading {
		title = title[:partEnd(title, maxHeading, maxHeading/utf8.UTFMax)]
	}
	t.levels, t.titles = append(t.levels, level), append(t.titles, title)
	t.join()
}

// wordCount is the number of words of s, which white space parts.
func wordCount(s string) int {
	n, inWord := 0, false
	for _, r := range s {
		space := unicode.IsSpace(r)
		if !space && !inWord {
			n++
		}
		inWord = !space
	}
	return n
}

// partEnd is the end of the longest beginning of s that has at most so many words and characters, cut between
// two words where there are any, else before a character and its marks; at least one character.
func partEnd(s string, words, characters int) int {
	count, n, boundary, character := 0, 0, 0, 0
	inWord := false
	for i, r := range s {
		space := unicode.IsSpace(r)
		if !space && !inWord {
			if count == words {
				return i
			}
			count++
			boundary = i
		}
		if i > 0 && !unicode.Is(unicode.M, r) && r != '\u200d' {
			character = i
		}
		if n == characters {
			if boundary > 0 {
				return boundary
			}
			return max(character, utf8.RuneLen(r))
		}
		n++
		inWord = !space
	}
	return len(s)
}

// fieldsHash is the SHA-256 of fields with their lengths, so that no two lists of fields are the same bytes.
func fieldsHash(fields ...string) string {
	h := sha256.New()
	buffer := make([]byte, 4<<10) // a field may be a document's text, which is not copied whole
	for _, f := range fields {
		binary.BigEndian.PutUint64(buffer, uint64(len(f)))
		h.Write(buffer[:8])
		for f != "" {
			n := copy(buffer, f)
			h.Write(buffer[:n])
			f = f[n:]
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}
