package segment

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// abbreviates says whether s, which ends with a full stop, ends with an abbreviation that more words follow.
func abbreviates(s string) bool {
	s = strings.TrimSuffix(s, ".")
	start := len(s)
	for start > 0 {
		r, size := utf8.DecodeLastRuneInString(s[:start])
		if unicode.IsSpace(r) || strings.ContainsRune("([{\"'«„“‘/", r) {
			break
		}
		start -= size
	}
	word := s[start:]
	if r, size := utf8.DecodeRuneInString(word); size == len(word) && unicode.IsLetter(r) && !unicode.Is(unicode.Lo, r) {
		// An initial, or one letter of "z. B."; but "plan B." ends.
		return unicode.IsLower(r) && !unit(r, s[:start]) || start == 0 || unicode.IsUpper(r) && initial(s[:start])
	}
	return abbreviations[strings.ToLower(word)]
}

// unit says whether a letter behind before is what a number counts: "50 l."
func unit(r rune, before string) bool {
	before = strings.TrimRight(before, " ")
	return strings.ContainsRune("lmgsh", r) && before != "" && before[len(before)-1] >= '0' && before[len(before)-1] <= '9'
}

// initial says whether a capital and a full stop behind before are the initial of a name: another initial, a name or a
// title stands before it, or nothing.
func initial(before string) bool {
	before = strings.TrimRight(before, " ")
	if before == "" || strings.HasSuffix(before, ".") {
		return true
	}
	start := strings.LastIndexByte(before, ' ') + 1
	r, _ := utf8.DecodeRuneInString(before[start:])
	return unicode.IsUpper(r)
}

// abbreviations that are followed by more of the sentence, in small letters and without their last full stop. Those that
// often end a sentence ("etc.", "Inc.") are not here: a small letter behind them goes on by itself.
var abbreviations = wordSet(`
	dr mr mrs ms prof st messrs gen col capt lt sgt rev hon e.g i.e cf vs viz approx ca resp incl excl no nos nr vol vols fig figs eq sec
	sect ch chap p pp ed eds al max min est tel ext dept univ mt eqs ave blvd
	z.b d.h u.a o.ä i.d.r s.o s.u v.a bzw bspw evtl ggf inkl exkl sog vgl abb abs bd hr hrn fr frl dipl ing std mind höchst tgl zzt usf str
	m mm mme mlle mgr ex éd env av bd boul
	sr sra srta dra ej p.ej pág págs núm art aprox ud uds avda avd pza
	sig sigg dott ecc.g es
	dhr mevr dr mw bijv o.a d.w.z
	al ul np tzn inż mgr św
	т.е т.н т.д т.п г гг рис табл см стр им ул напр
`)

// initials says whether s ends with several letters and full stops, as in "U.S.": more of the sentence may follow.
func initials(s string) bool {
	n := 0
	for ; len(s) > 1 && s[len(s)-1] == '.'; n++ {
		r, size := utf8.DecodeLastRuneInString(s[:len(s)-1])
		if !unicode.IsUpper(r) {
			return false
		}
		s = s[:len(s)-1-size]
	}
	return n > 1
}

// opens says whether s begins with a word that seldom goes on behind initials, and often begins a sentence.
func opens(s string) bool {
	word, _, _ := strings.Cut(s, " ")
	return openers[strings.ToLower(word)]
}

// ordinal says whether a number and a full stop, at the end of before, count what follows, as in the German "am 3. Mai".
func ordinal(before, after string) bool {
	words := strings.Fields(strings.TrimSuffix(before, "."))
	if len(words) < 2 || len(words[len(words)-1]) > 2 || strings.Trim(words[len(words)-1], "0123456789") != "" {
		return false
	}
	next, _, _ := strings.Cut(strings.TrimRight(after, ".,;:!?"), " ")
	return counters[words[len(words)-2]] || counted[strings.TrimRight(next, ".,;:!?")]
}

// dated says whether before ends with the short name of a day or a month, and after begins with the number of one.
func dated(before, after string) bool {
	word := before[strings.LastIndexByte(before, ' ')+1 : len(before)-1]
	return after[0] >= '0' && after[0] <= '9' && dates[word]
}

var (
	openers  = wordSet("the this that these those there it its he she we they you i a an in on at if when while but and or as for all no our their his her")
	counters = wordSet("am Am im Im der Der die Die das Das den dem des vom zum zur beim seit ab bis jeder jede jedes jeden")
	counted  = wordSet("Januar Jänner Februar März April Mai Juni Juli August September Oktober November Dezember Jahrhundert Jahrhunderts Stock Etage Klasse")
	dates    = wordSet("Mon Tue Tues Wed Thu Thur Thurs Fri Sat Sun Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec")
)

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		set[word] = true
	}
	return set
}
