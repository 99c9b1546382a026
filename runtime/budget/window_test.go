package budget

import (
	"testing"
	"time"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestDaysBeginAtTheFirstMomentOfTheirDate(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		zone   string
		id     int64
		begins string
		lasts  time.Duration
		why    string
	}{
		{"UTC", 20261128, "2026-11-28T00:00:00Z", 24 * time.Hour, ""},
		{"Europe/Berlin", 20260329, "2026-03-28T23:00:00Z", 23 * time.Hour, "clocks go forward at 2"},
		{"Europe/Berlin", 20261025, "2026-10-24T22:00:00Z", 25 * time.Hour, "clocks go back at 3"},
		{"America/New_York", 20261101, "2026-11-01T04:00:00Z", 25 * time.Hour, ""},
		{"Africa/Cairo", 20260424, "2026-04-23T22:00:00Z", 23 * time.Hour, "there is no midnight"},
		{"America/Havana", 20251102, "2025-11-02T04:00:00Z", 25 * time.Hour, "there are two midnights"},
		{"Australia/Lord_Howe", 20260405, "2026-04-04T13:00:00Z", 24*time.Hour + 30*time.Minute, "half an hour"},
		{"Pacific/Apia", 20111231, "2011-12-30T10:00:00Z", 24 * time.Hour, "the day before was left out"},
	} {
		z := zone(t, test.zone)
		begin, end := day.start(test.id, z), day.end(test.id, z)
		if got := begin.UTC().Format(time.RFC3339); got != test.begins || end.Sub(begin) != test.lasts {
			t.Errorf("%s %d (%s): from %s for %v, want from %s for %v", test.zone, test.id, test.why, got, end.Sub(begin), test.begins, test.lasts)
		}
	}
}

func TestMonthsAreAsLongAsTheyAre(t *testing.T) {
	t.Parallel()
	for id, days := range map[int64]int{202602: 28, 202802: 29, 202604: 30, 202612: 31} {
		if got := month.end(id, time.UTC).Sub(month.start(id, time.UTC)); got != time.Duration(days)*24*time.Hour {
			t.Errorf("%d lasts %v, want %d days", id, got, days)
		}
	}
}

// TestEveryMomentIsInTheWindowOfItsDate walks through a year of zones with all kinds of changes, half an hour at a time.
func TestEveryMomentIsInTheWindowOfItsDate(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Europe/Berlin", "Africa/Cairo", "America/Havana", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu"} {
		z := zone(t, name)
		for now := time.Date(2011, 1, 1, 0, 0, 0, 0, z); now.Year() < 2012; now = now.Add(30 * time.Minute) {
			for _, w := range []window{day, month} {
				id := w.id(now)
				if now.Before(w.start(id, z)) || !now.Before(w.end(id, z)) {
					t.Fatalf("%v is not in %d: %v to %v", now, id, w.start(id, z), w.end(id, z))
				}
				if near := w.near(now); near[1] != id || near[0] >= id || near[2] <= id {
					t.Fatalf("beside %d are %v", id, near)
				}
			}
		}
	}
}
