package models

import (
	"strings"
	"unicode"
)

// thoughtTags are the tags around what a model thinks before it answers, as models write them into the answer itself.
var thoughtTags = []string{"<think>", "</think>", "<thinking>", "</thinking>", "<thought>", "</thought>", "<reasoning>", "</reasoning>"}

// answerText keeps the answer of the text that a model writes: not what stands between <think> and </think> or the like, closed or not, nor a
// </think> without its beginning (some servers send the beginning in the prompt), nor the white space before the first word.
// Tags may be split over tokens. Behind a backquote a tag is text about tags.
//
// What stands before a </think> without its beginning is a thought too, which only shows then. With hold nothing is returned before it or
// the end of the text.
type answerText struct {
	hold bool
	// kept is what hold keeps back; before is what stood before a </think> without its beginning, and is the answer if nothing follows.
	kept   strings.Builder
	before string
	// promptBegins says that there was a </think> without its beginning.
	promptBegins bool
	// held is the end of what came so far, while it may be the beginning of a tag.
	held     string
	thinking bool
	// began says that a word of the answer was returned, quoted that the text before held ends in a backquote.
	began, quoted bool
}

// add takes the next token and returns the part of the answer that is known by it, which may be empty.
func (t *answerText) add(token string) string {
	text := t.held + token
	t.held = ""
	var out strings.Builder
	for text != "" {
		open := strings.IndexByte(text, '<')
		if open < 0 {
			open = len(text)
		}
		t.write(&out, text[:open])
		text = text[open:]
		tag, complete := readTag(text)
		if !complete {
			t.held = text
			break
		}
		switch {
		case tag == "":
			if text != "" {
				t.write(&out, "<")
				text = text[1:]
			}
		case t.quoted && !t.thinking:
			t.write(&out, text[:len(tag)])
			text = text[len(tag):]
		default:
			closes := strings.HasPrefix(tag, "</")
			if closes && !t.thinking {
				t.thoughtEnds(&out)
			}
			t.thinking = !closes
			text = text[len(tag):]
		}
	}
	return t.release(t.begin(out.String()))
}

// thoughtEnds takes what stands before for a thought whose beginning is in the prompt. out is what has not been returned yet.
func (t *answerText) thoughtEnds(out *strings.Builder) {
	t.promptBegins = true
	if !t.hold {
		return
	}
	t.before = t.kept.String() + t.begin(out.String())
	out.Reset()
	t.kept.Reset()
	t.hold, t.began = false, false
}

// release is text, unless it is kept back.
func (t *answerText) release(text string) string {
	if !t.hold {
		return text
	}
	t.kept.WriteString(text)
	return ""
}

// end returns what was held back: no tag came of it.
func (t *answerText) end() string {
	var out strings.Builder
	t.write(&out, t.held)
	t.held = ""
	text := t.kept.String() + t.begin(out.String())
	if !t.began {
		return t.before // a tag at the end of the answer closed nothing
	}
	return text
}

func (t *answerText) write(out *strings.Builder, text string) {
	if text == "" {
		return
	}
	if !t.thinking {
		out.WriteString(text)
		t.quoted = text[len(text)-1] == '`'
	}
}

// begin leaves out what nobody sees before the first word: white space, and characters of format (zero-width ones, marks of
// direction).
func (t *answerText) begin(text string) string {
	if t.began {
		return text
	}
	text = strings.TrimLeftFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r)
	})
	t.began = text != ""
	return text
}

// readTag is the tag at the start of text, as long as it stands there, empty for none. It is not complete while more text could make
// it one.
func readTag(text string) (tag string, complete bool) {
	for _, tag := range thoughtTags {
		n := min(len(tag), len(text))
		if !strings.EqualFold(text[:n], tag[:n]) || n == 0 {
			continue
		}
		return tag, n == len(tag)
	}
	return "", true
}
