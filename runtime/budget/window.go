package budget

import "time"

// window is a calendar day or month.
type window int

const (
	day window = iota
	month
)

// id names the window that holds t, such as 20261128 or 202611: later windows have greater ones.
func (w window) id(t time.Time) int64 {
	id := int64(t.Year())*100 + int64(t.Month())
	if w == day {
		id = id*100 + int64(t.Day())
	}
	return id
}

// start is when the window of an id begins in a zone.
func (w window) start(id int64, zone *time.Location) time.Time {
	first := 1
	if w == day {
		first, id = int(id%100), id/100
	}
	return midnight(int(id/100), time.Month(id%100), first, zone)
}

// end is when the window of an id is over.
func (w window) end(id int64, zone *time.Location) time.Time {
	if w == day {
		return midnight(int(id/10000), time.Month(id/100%100), int(id%100)+1, zone)
	}
	return midnight(int(id/100), time.Month(id%100+1), 1, zone)
}

// near are the ids of the window of t and of those beside it, in order: the clock of Redis may be in another one.
func (w window) near(t time.Time) [3]int64 {
	step := func(n int) time.Time {
		if w == day {
			return time.Date(t.Year(), t.Month(), t.Day()+n, 12, 0, 0, 0, time.UTC)
		}
		return time.Date(t.Year(), t.Month()+time.Month(n), 1, 12, 0, 0, 0, time.UTC)
	}
	return [3]int64{w.id(step(-1)), w.id(step(0)), w.id(step(1))}
}

// midnight is when a day begins: the first moment of its date. A zone may have no midnight that day, when its clocks go forward then, or two.
func midnight(year int, m time.Month, d int, zone *time.Location) time.Time {
	date := time.Date(year, m, d, 12, 0, 0, 0, time.UTC)
	of := func(t time.Time) int64 { return day.id(t.In(zone)) }
	t := time.Date(date.Year(), date.Month(), date.Day(), 0, 0, 0, 0, zone)
	if of(t) < day.id(date) { // there is none: the day begins where the clocks go to
		_, t = t.ZoneBounds()
		return t
	}
	if changed, _ := t.ZoneBounds(); !changed.IsZero() && of(changed.Add(-1)) >= day.id(date) {
		_, offset := changed.Add(-1).In(zone).Zone() // there are two: the clocks go back over it
		return time.Date(date.Year(), date.Month(), date.Day(), 0, 0, 0, 0, time.FixedZone("", offset)).In(zone)
	}
	return t
}
