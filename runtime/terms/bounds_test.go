package terms_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/ragservice/ragservice-operator/runtime/terms"
)

// FuzzBounds wants, of any text, terms that an engine takes as they are, and words that stand in the text.
func FuzzBounds(f *testing.F) {
	for _, seed := range []string{
		"", " ", "the", "O’Reilly's C++ v1.2.3 /etc/passwd getUserById 1,000.50 --force", "有給休暇は何日ですか", "พนักงาน", "휴가는 API를",
		"Ge\u00adsamt\u00adkosten e\ufb03cient ＡＰＩ", "الكتابُ", "a\u0301\u0302\u0303\u0304\u0305", strings.Repeat("a", 3000), strings.Repeat("漢", 800),
		"\xff\xfe\x00", "\u00b4\u0301", "´¨ﷺ㏂", "''''", "a.b.c.d.e.f.g.h.i.j.k.l.m.n", "++#--", strings.Repeat("a\u0301", 700),
		"ﷺ" + strings.Repeat("ﷺ", 100),
	} {
		f.Add(seed)
	}
	analysers := []*terms.Analyser{terms.New(nil), terms.New([]string{"en"}), terms.New(terms.Languages())}
	f.Fuzz(func(t *testing.T, text string) {
		for _, a := range analysers {
			fields := a.Index(text, "")
			for term := range strings.SplitSeq(strings.TrimSpace(fields.Content+" "+fields.Stop), " ") {
				checkTerm(t, term, fields.Content == "" && fields.Stop == "")
			}
			if len(fields.Content) > 24*len(text)+24 {
				t.Errorf("a text of %d bytes has %d bytes of terms", len(text), len(fields.Content))
			}
			query := a.Query(text)
			if len(query) > terms.MaxQueryTerms {
				t.Errorf("a query has %d terms", len(query))
			}
			distinct := map[string]bool{}
			for _, term := range query {
				checkTerm(t, term.Text, false)
				if term.Weight <= 0 || term.Weight > 1 || distinct[term.Text] {
					t.Errorf("%+q has weight %g, or is there twice", term.Text, term.Weight)
				}
				distinct[term.Text] = true
			}
			before := 0
			for _, w := range a.Words(text, "") {
				if w.Start >= w.End || w.End > len(text) || w.Start < before || len(w.Terms) == 0 {
					t.Fatalf("word %+v of %d bytes, after one at %d", w, len(text), before)
				}
				before = w.Start
			}
		}
	})
}

func checkTerm(t *testing.T, term string, mayBeEmpty bool) {
	t.Helper()
	if term == "" && !mayBeEmpty || !utf8.ValidString(term) || utf8.RuneCountInString(term) > terms.MaxTermLength ||
		strings.ContainsFunc(term, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		t.Errorf("bad term %+q", term)
	}
}
