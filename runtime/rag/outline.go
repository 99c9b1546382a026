package rag

import (
	"slices"
	"strconv"
)

// ChunkOutline is what a chunk has beyond its document: a document with the outlines of its chunks is enough to make them
// again, whatever the settings are by then.
type ChunkOutline struct {
	Span        Span   `json:"span"`
	Heading     string `json:"heading,omitempty"`
	Units       Units  `json:"units,omitempty"`
	ContentHash string `json:"content_hash"`
}

// Outline is the outlines of the chunks, in order.
func (d ChunkedDocument) Outline() []ChunkOutline {
	outline := make([]ChunkOutline, len(d.Chunks))
	for i, c := range d.Chunks {
		outline[i] = ChunkOutline{Span: c.Span, Heading: c.Heading, Units: c.Units, ContentHash: c.ContentHash}
	}
	return outline
}

// ChunksOf makes the chunks of a document from their outlines. Their texts share the document's memory. A span beyond the
// text is cut off at its end.
func ChunksOf(d Document, outline []ChunkOutline) []Chunk {
	offsets := byteOffsets(d.Text, outline)
	chunks := make([]Chunk, len(outline))
	for i, o := range outline {
		chunks[i] = Chunk{
			ID:          d.ID + "#" + strconv.Itoa(i),
			DocumentID:  d.ID,
			Title:       d.Title,
			URL:         d.URL,
			Language:    d.Language,
			Heading:     o.Heading,
			Units:       o.Units,
			Text:        d.Text[offsets[o.Span.Start]:offsets[o.Span.End]],
			Span:        o.Span,
			Metadata:    d.Metadata,
			ContentHash: o.ContentHash,
		}
	}
	return chunks
}

// byteOffsets are the offsets in bytes of the characters at which spans start and end, in one walk through the text.
func byteOffsets(text string, outline []ChunkOutline) map[int]int {
	positions := make([]int, 0, 2*len(outline))
	for _, o := range outline {
		positions = append(positions, o.Span.Start, o.Span.End)
	}
	slices.Sort(positions)
	positions = slices.Compact(positions)
	offsets := make(map[int]int, len(positions))
	character := 0
	for offset := range text {
		if len(positions) > 0 && positions[0] == character {
			offsets[character] = offset
			positions = positions[1:]
		}
		character++
	}
	for _, position := range positions {
		offsets[position] = len(text)
	}
	return offsets
}
