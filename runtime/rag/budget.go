package rag

import (
	"fmt"
	"slices"
	"sync"
	"unicode/utf8"
)

const (
	// messageTokens is what the messages of a prompt take beside their text.
	messageTokens = 16
	// minPassageTokens is what the first passage gets at least: without any there is no answer. When that is over the model's
	// context, the model's server says so.
	minPassageTokens = 256
)

// fit leaves out the passages, from the first one on that the model has no room for: prompt and answer share contextTokens. The first
// passage is always given, cut at its end where it must be. 0 is no bound.
func fit(p *Prompt, contextTokens int, counts *tokenCounts) {
	if contextTokens <= 0 || len(p.Passages) == 0 {
		return
	}
	left := contextTokens - p.MaxTokens - messageTokens
	for _, m := range (Prompt{Query: p.Query}).Messages() {
		left -= estimateTokens(m.Content)
	}
	for i, c := range p.Passages {
		if left -= counts.of(c); left >= 0 {
			continue
		}
		if i == 0 {
			p.Passages[0] = cut(c, max(left+counts.of(c), minPassageTokens))
			i = 1
		}
		p.Passages = p.Passages[:i]
		return
	}
}

// FitFor is p for another model, with as many of its passages as that has room for.
func (p Prompt) FitFor(model, baseURL string, contextTokens int) Prompt {
	p.Model, p.BaseURL = model, baseURL
	p.Passages = slices.Clone(p.Passages)
	fit(&p, contextTokens, new(tokenCounts))
	return p
}

// cut is c with as much of its text as tokens allow. It is another content, and so another answer.
func cut(c Chunk, tokens int) Chunk {
	tokens -= estimateTokens(passage(1, Chunk{Title: c.Title, Heading: c.Heading}))
	length := prefixOf(c.Text, max(0, tokens))
	if length < len(c.Text) {
		c.Text = c.Text[:length]
		c.ContentHash = fmt.Sprintf("%s:%d", c.ContentHash, length)
	}
	return c
}

// estimateTokens is about how many tokens a model makes of text: rather too many than too few, for any script, since each family of
// models has a vocabulary of its own and a prompt that is too long is cut or refused. English comes out about a fifth too high.
func estimateTokens(text string) int {
	tokens, _ := countTokens(text, len(text))
	return tokens
}

// prefixOf is the length of the longest beginning of text that has no more than so many tokens; it ends between characters.
func prefixOf(text string, tokens int) int {
	_, length := countTokens(text, tokens)
	return length
}

// Parts of a token, for countTokens.
const (
	wholeToken = 24
	// A word of ASCII letters: its beginning, and each of its letters. Five letters make a token and a half.
	wordBegins, letter = 10, 5
	// longWord is where a run of letters and digits is no word any more but an identifier or base64.
	longWord, letterOfLongWord = 16, 14
)

// countTokens estimates text up to a number of tokens, and says how far it came.
func countTokens(text string, most int) (tokens, length int) {
	parts, run := 0, 0
	for i := 0; i < len(text); {
		size, cost := 1, 0
		switch c := text[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
			switch run++; {
			case run == 1:
				cost = wordBegins + letter
			case run > longWord:
				cost = letterOfLongWord
			default:
				cost = letter
			}
		case '0' <= c && c <= '9': // many vocabularies have digits one by one
			run++
			cost = wholeToken
		case c == ' ':
			run = 0 // a space goes with the word behind it
		case c < utf8.RuneSelf:
			run = 0
			cost = wholeToken
		default:
			run = 0
			var r rune
			r, size = utf8.DecodeRuneInString(text[i:])
			cost = runeCost(r)
		}
		parts += cost
		if (parts+wholeToken-1)/wholeToken > most {
			return most, i
		}
		i += size
	}
	return (parts + wholeToken - 1) / wholeToken, len(text)
}

// runeCost is what a character beyond ASCII takes, in parts of a token.
func runeCost(r rune) int {
	switch {
	case r < 0x250, 0x400 <= r && r < 0x530: // Latin with marks, Cyrillic: vocabularies have their syllables
		return wholeToken * 2 / 3
	case r < 0x800: // Greek, Hebrew, Arabic and others of two bytes
		return wholeToken * 5 / 4
	case r < 0x10000: // Han, kana, Hangul, the scripts of India and South-East Asia
		return wholeToken * 3 / 2
	default:
		return wholeToken * 3
	}
}

// tokenCounts remembers the estimates of passages by their content: the same ones are given again and again, and counting them
// would take longer than all else that a cached answer needs.
type tokenCounts struct {
	mu        sync.RWMutex
	byContent map[string]int
}

// maxTokenCounts bounds the memory, 1 MiB or so.
const maxTokenCounts = 10_000

func (t *tokenCounts) of(c Chunk) int {
	t.mu.RLock()
	n, known := t.byContent[c.ContentHash]
	t.mu.RUnlock()
	if known {
		return n
	}
	n = estimateTokens(passage(1, c))
	if c.ContentHash == "" {
		return n
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byContent == nil || len(t.byContent) >= maxTokenCounts {
		t.byContent = map[string]int{}
	}
	t.byContent[c.ContentHash] = n
	return n
}
