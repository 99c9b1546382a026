// Package segment cuts a text into units: the smallest parts of it that say something by themselves. A sentence is one,
// as are a list item, the row of a table, a record of CSV, JSON or YAML, and a few lines of code.
//
// Markdown is read with goldmark. Inside its paragraphs and indented blocks, and in everything that is not Markdown,
// the lines speak for themselves (layout.go): what stands indented under a line belongs to it, as in manual pages and
// reStructuredText. Sentences end where UAX #29 says, but for abbreviations.
package segment

import (
	"iter"
)

// Version names what this package does. Units of one version are not those of another: it rises with each change that
// moves a boundary, so that documents sent again are cut anew.
const Version = "7"

// Kind is what a unit is.
type Kind uint8

// Kinds.
const (
	// Sentence is a sentence of running text.
	Sentence Kind = iota
	// Heading is a title over what follows it.
	Heading
	// Item is an item of a list, or a short list with what introduces it.
	Item
	// Row is a row of a table; Context is the table's header, when it has one.
	Row
	// Record is a line or an object of data or configuration, or an entry of a log; Context is the path of the keys it stands under.
	Record
	// Values is a line of values with a delimiter (CSV); Context is the line that names the columns.
	Values
	// Code is some lines of code.
	Code
	// Header is the header of a table.
	Header
)

// Answers says whether a unit of that kind can answer a question. Titles and headers only say what others are about.
func (k Kind) Answers() bool { return k != Heading && k != Header }

const (
	// MaxUnit bounds a unit in bytes, so that a quote is short: what is longer is cut between words, or between
	// characters where there are no words.
	MaxUnit = 480
	// maxContext bounds a context in bytes.
	maxContext = 200
)

// Unit is a unit of a text.
type Unit struct {
	// Start and End are its place in the text, in bytes.
	Start, End int
	Kind       Kind
	// Level is the depth of a Heading, from 1.
	Level int
	// Context is what a reader must know to understand the unit, and does not see in it: see Kind. Of a Sentence, an Item
	// or Code it is what introduces or defines it. At most 200 bytes, on one line.
	Context string
}

// Units are the units of text in their order; none overlap, and what lies between two of them is white space or
// decoration. Memory stays small however long the text is. Invalid UTF-8 is not expected.
func Units(text string) iter.Seq[Unit] {
	return func(yield func(Unit) bool) {
		text := newlines(text)
		e := &emitter{text: text, yield: yield, term: noTerm}
		switch detect(text) {
		case formatJSON:
			jsonUnits(e)
		case formatValues:
			valuesUnits(e)
		case formatConfig:
			configUnits(e)
		case formatYAML:
			yamlUnits(e)
		case formatLog:
			logUnits(e)
		case formatIndented:
			e.indented = true
			plainUnits(e)
		default:
			markdownUnits(e)
		}
		e.flush()
	}
}
