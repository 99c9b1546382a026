package segment

import (
	"unicode"
	"unicode/utf8"
)

// blank says whether r is white space, or stands for nothing: directional marks and a byte order mark among them.
func blank(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || r != '\u200d' && unicode.Is(unicode.Cf, r)
}

// extends says whether r belongs to the character before it.
func extends(r rune) bool {
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Mc) || r == '\u200d' || r >= 0x1F3FB && r <= 0x1F3FF || r == 0xFE0F
}

// wordy says whether r is part of a word.
func wordy(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.M, r) }

// hasWord says whether s holds a letter or a digit.
func hasWord(s string) bool {
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
				return true
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if wordy(r) {
			return true
		}
		i += size
	}
	return false
}
