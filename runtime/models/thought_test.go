package models

import (
	"slices"
	"strings"
	"testing"
)

// What stands before the end of a thought whose beginning is in the prompt is kept back until it is known for one.
func TestAThoughtThatBeginsInThePrompt(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, written, answer string }{
		{"before the answer", "Is it [2]?\nNo.</think>\n\nOne hour [1].", "One hour [1]."},
		{"and another one", "Is it [2]?</think>One <think>b</think>hour.", "One hour."},
		{"two of them", "Is it [2]?</think>Hm.</think>One hour.", "Hm.One hour."},
		{"none", " One hour [1].", "One hour [1]."},
		{"one that begins in the answer", "<think>Is it [2]?</think>One hour.", "One hour."},
		{"a tag at the end", "One hour [1].</think>\n", "One hour [1]."},
		{"about the tag", "Write `</think>`, one hour.", "Write `</think>`, one hour."},
	} {
		written := []rune(tt.written)
		for size := 1; size <= len(written); size++ {
			text := answerText{hold: true}
			var got strings.Builder
			for token := range slices.Chunk(written, size) {
				got.WriteString(text.add(string(token)))
			}
			got.WriteString(text.end())
			if got.String() != tt.answer {
				t.Fatalf("%s: tokens of %d characters: got %q, want %q", tt.name, size, got.String(), tt.answer)
			}
		}
	}
}

func TestWhatAModelThinksIsNoAnswer(t *testing.T) {
	tests := []struct{ name, written, answer string }{
		{"nothing thought", "One hour [1].", "One hour [1]."},
		{"before the answer", "<think>Is it [2]?\nNo.</think>\n\nOne hour [1].", "One hour [1]."},
		{"in capitals", "<THINK>hm</Think>One hour.", "One hour."},
		{"nothing in it", "<think>\n\n</think>\n\nOne hour.", "One hour."},
		{"in the middle", "One hour <think>or two?</think>[1].", "One hour [1]."},
		{"twice", "<think>a</think>One <think>b</think>hour.", "One hour."},
		{"not closed", "One hour.<think>But then [2]", "One hour."},
		{"never an answer", "<think>But then [2]", ""},
		{"the beginning is in the prompt", "</think>\n\nOne hour.", "One hour."},
		{"by another name", "<thinking>Is it [2]?</thinking>\n\nOne <Thought>a</thought>hour.", "One hour."},
		{"by a third name", "<reasoning>Is it [2]?</reasoning>One hour.", "One hour."},
		{"not closed by another name", "One hour.<thinking>But then [2]", "One hour."},
		{"a tag in it", "<think>a < b, <b>c</b> <think></think>One hour.", "One hour."},
		{"about the tag", "Write `<think>` and `</think>`, one hour.", "Write `<think>` and `</think>`, one hour."},
		{"another tag", "<b>One</b> hour < two, <thin> <", "<b>One</b> hour < two, <thin> <"},
		{"cut in the tag", "One hour.</thi", "One hour.</thi"},
		{"white space", " \n\t\u00a0", ""},
		{"what nobody sees", "\u200b\u200d\u2060\ufeff\u200e \u2028", ""},
		{"white space first", " \n One  hour ", "One  hour "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			written := []rune(tt.written)
			for size := 1; size <= len(written); size++ { // tokens of each size, so that each tag is split everywhere
				var text answerText
				var got strings.Builder
				for token := range slices.Chunk(written, size) {
					got.WriteString(text.add(string(token)))
				}
				got.WriteString(text.end())
				if got.String() != tt.answer {
					t.Fatalf("tokens of %d characters: got %q, want %q", size, got.String(), tt.answer)
				}
			}
		})
	}
}
