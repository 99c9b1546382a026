package terms

import (
	"strings"
	"unicode"

	"github.com/blevesearch/snowballstem"
	"github.com/blevesearch/snowballstem/arabic"
	"github.com/blevesearch/snowballstem/danish"
	"github.com/blevesearch/snowballstem/dutch"
	"github.com/blevesearch/snowballstem/english"
	"github.com/blevesearch/snowballstem/finnish"
	"github.com/blevesearch/snowballstem/french"
	"github.com/blevesearch/snowballstem/german"
	"github.com/blevesearch/snowballstem/hungarian"
	"github.com/blevesearch/snowballstem/irish"
	"github.com/blevesearch/snowballstem/italian"
	"github.com/blevesearch/snowballstem/norwegian"
	"github.com/blevesearch/snowballstem/portuguese"
	"github.com/blevesearch/snowballstem/romanian"
	"github.com/blevesearch/snowballstem/russian"
	"github.com/blevesearch/snowballstem/spanish"
	"github.com/blevesearch/snowballstem/swedish"
	"github.com/blevesearch/snowballstem/tamil"
	"github.com/blevesearch/snowballstem/turkish"
)

// Undetermined is the BCP 47 tag of a text whose language is not known, or is none of an Analyser's.
const Undetermined = "und"

// language is one with a stemmer and stop words.
type language struct {
	code   string
	script *unicode.RangeTable
	stem   func(*snowballstem.Env) bool
	// bit stands for the language in stopWords.
	bit uint32
}

// all are the languages, in the order of their bits.
var all = func() []*language {
	list := []*language{
		{code: "ar", script: unicode.Arabic, stem: arabic.Stem},
		{code: "da", script: unicode.Latin, stem: danish.Stem},
		{code: "de", script: unicode.Latin, stem: german.Stem},
		{code: "en", script: unicode.Latin, stem: english.Stem},
		{code: "es", script: unicode.Latin, stem: spanish.Stem},
		{code: "fi", script: unicode.Latin, stem: finnish.Stem},
		{code: "fr", script: unicode.Latin, stem: french.Stem},
		{code: "ga", script: unicode.Latin, stem: irish.Stem},
		{code: "hu", script: unicode.Latin, stem: hungarian.Stem},
		{code: "it", script: unicode.Latin, stem: italian.Stem},
		{code: "nb", script: unicode.Latin, stem: norwegian.Stem},
		{code: "nl", script: unicode.Latin, stem: dutch.Stem},
		{code: "pt", script: unicode.Latin, stem: portuguese.Stem},
		{code: "ro", script: unicode.Latin, stem: romanian.Stem},
		{code: "ru", script: unicode.Cyrillic, stem: russian.Stem},
		{code: "sv", script: unicode.Latin, stem: swedish.Stem},
		{code: "ta", script: unicode.Tamil, stem: tamil.Stem},
		{code: "tr", script: unicode.Latin, stem: turkish.Stem},
	}
	for i, l := range list {
		l.bit = 1 << i
	}
	return list
}()

// Languages are the tags that New knows: the languages with a stemmer and stop words.
func Languages() []string {
	codes := make([]string, len(all))
	for i, l := range all {
		codes[i] = l.code
	}
	return codes
}

// lookupLanguage finds the language of a BCP 47 tag, or nil.
func lookupLanguage(tag string) *language {
	primary, _, _ := strings.Cut(strings.ReplaceAll(tag, "_", "-"), "-")
	primary = strings.ToLower(primary)
	if primary == "no" || primary == "nn" { // "no" is no tag of ours because YAML reads it as false
		primary = "nb"
	}
	for _, l := range all {
		if l.code == primary {
			return l
		}
	}
	return nil
}
