package rag

import (
	"encoding/json"
	"errors"
	"unicode/utf8"

	"github.com/ragservice/ragservice-operator/runtime/segment"
)

// Unit is a part of a passage that says something by itself: see package segment.
type Unit struct {
	// Span is its place in the passage's text, in characters.
	Span Span
	Kind segment.Kind
	// Level is the depth of a heading.
	Level int
	// Context is what a reader must know to understand it: the header of its table, the path of its keys.
	Context string
}

// Units are the units of a passage, in order. As JSON they are short: the contexts once each, and five numbers for each
// unit (how far it starts behind the last one, its length, kind, level, and context counted from 1, 0 for none).
type Units []Unit

type unitsJSON struct {
	Contexts []string `json:"c,omitempty"`
	Numbers  []int    `json:"u"`
}

const unitNumbers = 5

// MarshalJSON implements json.Marshaler.
func (u Units) MarshalJSON() ([]byte, error) {
	out := unitsJSON{Numbers: make([]int, 0, unitNumbers*len(u))}
	places := map[string]int{"": 0}
	end := 0
	for _, unit := range u {
		place, known := places[unit.Context]
		if !known {
			out.Contexts = append(out.Contexts, unit.Context)
			place = len(out.Contexts)
			places[unit.Context] = place
		}
		out.Numbers = append(out.Numbers, unit.Span.Start-end, unit.Span.End-unit.Span.Start, int(unit.Kind), unit.Level, place)
		end = unit.Span.End
	}
	return json.Marshal(out)
}

var errUnits = errors.New("units of another form")

// UnmarshalJSON implements json.Unmarshaler.
func (u *Units) UnmarshalJSON(data []byte) error {
	var in unitsJSON
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	if len(in.Numbers)%unitNumbers != 0 {
		return errUnits
	}
	*u = make(Units, 0, len(in.Numbers)/unitNumbers)
	end := 0
	for n := in.Numbers; len(n) > 0; n = n[unitNumbers:] {
		unit := Unit{Span: Span{Start: end + n[0], End: end + n[0] + n[1]}, Kind: segment.Kind(n[2]), Level: n[3]} //nolint:gosec // small, by MarshalJSON
		if n[0] < 0 || n[1] < 0 || n[4] < 0 || n[4] > len(in.Contexts) {
			return errUnits
		}
		if n[4] > 0 {
			unit.Context = in.Contexts[n[4]-1]
		}
		end = unit.Span.End
		*u = append(*u, unit)
	}
	return nil
}

// PassageUnits are the units of a passage: those it was stored with, else those of its text.
func (c Chunk) PassageUnits() Units {
	if len(c.Units) > 0 {
		return c.Units
	}
	var units Units
	at, characters := 0, 0
	for u := range segment.Units(c.Text) {
		start := characters + utf8.RuneCountInString(c.Text[at:u.Start])
		end := start + utf8.RuneCountInString(c.Text[u.Start:u.End])
		units = append(units, Unit{Span: Span{Start: start, End: end}, Kind: u.Kind, Level: u.Level, Context: u.Context})
		at, characters = u.End, end
	}
	return units
}
