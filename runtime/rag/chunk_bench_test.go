package rag

import (
	"encoding/base64"
	"strings"
	"testing"
)

// BenchmarkSplit cuts documents of the greatest size. B/op is what the chunks' places take: their text is the document's.
func BenchmarkSplit(b *testing.B) {
	fill := func(s string) string { return strings.Repeat(s, MaxDocumentText/len(s)) }
	picture := base64.StdEncoding.EncodeToString([]byte(fill("\x00\xff\x10\x80picture")[:MaxDocumentText/4*3]))
	for name, text := range map[string]string{
		"English": fill("The quick brown fox jumps over the lazy dog. It does so every day, and nobody minds.\n\n"),
		"Chinese": fill("年休二十天。申请必须提前一周提交。"),
		"base64":  picture,
		"one run": fill("a"),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				Split(Document{ID: "d", Text: text}, 600, 100)
			}
		})
	}
}
