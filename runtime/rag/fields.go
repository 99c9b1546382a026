package rag

import "github.com/ragservice/ragservice-operator/runtime/terms"

// What a word counts for in the title and in the headings of a passage, beside the same word in its text. On Cranfield,
// whose texts repeat their titles, nDCG@10 is flat between 0.2 and 0.5 and falls beyond; docs/retrieval.md has the figures.
const (
	TitleBoost   = 0.3
	HeadingBoost = 0.3
)

// SearchFields are the terms that a chunk is found by, separated by spaces. An index holds them in fields of their own.
type SearchFields struct {
	Text    string `json:"text,omitempty"`
	Title   string `json:"title,omitempty"`
	Heading string `json:"heading,omitempty"`
	// Stop are the stop words of all three. They are searched only for a query of stop words alone.
	Stop string `json:"stop,omitempty"`
}

// NewSearchFields makes the terms of a chunk. Its language, where the document names none, is told by its text.
func NewSearchFields(a *terms.Analyser, c Chunk) SearchFields {
	language := c.Language
	if language == "" {
		language = a.Detect(c.Text)
	}
	text, title, heading := a.Index(c.Text, language), a.Index(c.Title, language), a.Index(c.Heading, language)
	fields := SearchFields{Text: text.Content, Title: title.Content, Heading: heading.Content, Stop: text.Stop}
	for _, stop := range []string{title.Stop, heading.Stop} {
		if stop != "" {
			fields.Stop += " " + stop
		}
	}
	return fields
}
