package httpapi

import (
	"errors"
	"strconv"
	"strings"
)

// decimal is a number of JSON as it is written: 0.digits times ten to the power of point. Equal numbers are equal values,
// however they are written.
type decimal struct {
	negative bool
	// digits have no zeros at either end; none for 0.
	digits string
	point  int
}

// maxExponent stands for all exponents that are beyond any number of the program's.
const maxExponent = 1_000_000

func parseDecimal(number []byte) decimal {
	text, negative := strings.CutPrefix(string(number), "-")
	mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	d := decimal{negative: negative, digits: strings.TrimRight(digits, "0"), point: len(digits) - len(fraction)}
	if d.digits == "" {
		return decimal{}
	}
	if exponent != "" {
		by, err := strconv.Atoi(exponent)
		switch {
		case err == nil && -maxExponent < by && by < maxExponent:
			d.point += by
		case strings.HasPrefix(exponent, "-"):
			d.point = -maxExponent
		default:
			d.point = maxExponent
		}
	}
	return d
}

// integer is the number when it is a whole one and an int holds it.
func (d decimal) integer() (int, bool) {
	const mostDigits = 19 // of 2^63
	zeros := d.point - len(d.digits)
	switch {
	case d.digits == "":
		return 0, true
	case zeros < 0 || d.point > mostDigits:
		return 0, false
	}
	n, err := strconv.Atoi(d.digits + strings.Repeat("0", zeros))
	if d.negative {
		n = -n
	}
	return n, err == nil
}

// Reasons to refuse a number.
var (
	errTooLargeNumber = errors.New("is too large a number")
	errInexactNumber  = errors.New("has more digits than a number keeps: send it as a string")
)

// exactFloat is a number of JSON as float64. One that would come back as another number, as do most integers over 2^53,
// is an error.
func exactFloat(number []byte) (float64, error) {
	f, err := strconv.ParseFloat(string(number), 64)
	switch {
	case err != nil:
		return 0, errTooLargeNumber
	case parseDecimal(number) != parseDecimal(strconv.AppendFloat(nil, f, 'e', -1, 64)):
		return 0, errInexactNumber
	default:
		return f, nil
	}
}
