package logging

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/trace"
)

// busyDay is a day of a server as its log sees it.
type busyDay struct {
	*testing.T
	log    *Log
	now    time.Time
	random *rand.Rand
	// grave counts the lines of WARNING and above that were told, by level.
	grave map[string]int
	// told counts the others.
	told int64
}

func newBusyDay(t *testing.T, log *Log) *busyDay {
	d := &busyDay{T: t, log: log, now: time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC), random: rand.New(rand.NewPCG(1, 2)), grave: map[string]int{}}
	log.now = func() time.Time { return d.now }
	return d
}

// request writes what the i-th request of a day does: two in five are answered by the cache, one in a thousand fails.
func (d *busyDay) request(i int) {
	var id trace.SpanID
	binary.BigEndian.PutUint64(id[:], d.random.Uint64()|1<<63)
	span := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: id})
	ctx := WithUser(trace.ContextWithSpanContext(d.Context(), span), "alice")
	done := RequestCompleted{
		RequestID: "0b6f2c1e-97c5-4d8c-8d0b-0d1f8f6f0f6a", Method: "POST", Route: "/api/v1/ask", Status: 200, Query: Query{Hash: "0123456789abcdef"},
		Cache: "HIT", Age: time.Minute, Bytes: 1870, Took: time.Millisecond,
	}
	if i%5 >= 2 {
		done.Cache, done.Age = "MISS", 0
		d.log.Write(ctx, SearchCompleted{SearchMode: "keyword", Hits: 5, Total: 40, Took: 20 * time.Millisecond})
		d.log.Write(ctx, LLMResponse{Took: time.Second, PromptTokens: 3000, CompletionTokens: 200})
		d.told += 2
	}
	if i%1000 == 0 {
		d.log.Write(ctx, LLMFailed{Code: "llm_timeout", Took: time.Second})
		d.log.Write(ctx, RequestFailed{RequestID: "i", Route: "/api/v1/ask", Code: "llm_timeout", Model: true, Err: errors.New("deadline exceeded")})
		d.grave["WARNING"]++
		d.grave["ERROR"]++
	}
	if i%100_000 == 0 {
		d.log.Write(ctx, DiskFailed{State: "full", Err: errors.New("no space left on device")})
		d.grave["CRITICAL"]++
	}
	d.log.Write(ctx, done)
	d.told++
}

// TestADayOfAMillionRequests: without the limit it would be some 600 MB. The rate does not matter to the lines, only to their clock.
func TestADayOfAMillionRequests(t *testing.T) {
	const requests, limit = 1_000_000, 100 << 20
	name := filepath.Join(t.TempDir(), "app.log")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	log := New(NewBuffer(file))
	log.SetDailyVolume(limit)
	counted := map[string]int64{}
	log.OnDrop(func(event string) { counted[event]++ })
	d := newBusyDay(t, log)
	for i := range requests {
		d.now = d.now.Add(24 * time.Hour / (requests + 1))
		d.request(i)
	}
	log.WriteDropped()
	log.Flush()

	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() >= limit || info.Size() < limit/2 {
		t.Errorf("the file has %d bytes, of %d", info.Size(), limit)
	}
	found := readDay(t, name)
	t.Logf("%d requests: %d bytes, %d of %d lines dropped, lines by level %v, requests by hour %v", requests, info.Size(), found.summary.Dropped,
		d.told, found.levels, found.hours)
	d.grave["WARNING"]++ // the summary
	for level, want := range d.grave {
		if found.levels[level] != want {
			t.Errorf("%d lines of %s, want all %d", found.levels[level], level, want)
		}
	}
	if kept := int64(found.levels["INFO"]); kept+found.summary.Dropped != d.told {
		t.Errorf("%d kept and %d dropped are not the %d told", kept, found.summary.Dropped, d.told)
	}
	if diff := cmp.Diff(counted, found.summary.ByEvent); diff != "" || len(counted) != 3 {
		t.Errorf("the summary and the metric differ: %s", diff)
	}
	for hour, told := range found.hours {
		if told < 1000 { // of 41,667
			t.Errorf("only %d requests are told between %d and %d o'clock", told, hour, hour+1)
		}
	}
	if found.torn > 100 { // between two of its lines the rate may pass a threshold
		t.Errorf("of %d requests only some lines are told", found.torn)
	}
}

type dayFound struct {
	levels  map[string]int
	summary struct {
		Dropped int64
		ByEvent map[string]int64 `json:"dropped_by_event"`
	}
	// hours counts the requests told in each.
	hours [24]int
	// torn counts misses whose other lines are not told.
	torn int
}

func readDay(t *testing.T, name string) dayFound {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	found := dayFound{levels: map[string]int{}}
	parts := 0
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var l struct {
			Timestamp           time.Time
			Level, Event, Cache string
		}
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			t.Fatalf("%q: %v", lines.Text(), err)
		}
		found.levels[l.Level]++
		switch l.Event {
		case "log_lines_dropped":
			if err := json.Unmarshal(lines.Bytes(), &found.summary); err != nil {
				t.Fatal(err)
			}
		case "search_completed", "llm_response":
			parts++
		case "request_completed":
			found.hours[l.Timestamp.Hour()]++
			if l.Cache == "MISS" && parts != 2 {
				found.torn++
			}
			parts = 0
		}
	}
	return found
}

// TestTheDaysVolume: when sampling begins, what is kept without a request, the turn of the day, and a new limit.
func TestTheDaysVolume(t *testing.T) {
	var b bytes.Buffer
	log := New(&b)
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC) // 720 minutes are left
	log.now = func() time.Time { return now }
	count := func(event string, level Level, times int) int {
		t.Helper()
		b.Reset()
		for range times {
			log.Write(t.Context(), note{event: event, level: level})
		}
		return len(lines(t, b.String()))
	}
	if got := count("later", LevelInfo, 100); got != 100 {
		t.Fatalf("%d of 100 lines without a limit", got)
	}
	size := int64(b.Len() / 100)
	log.volume.written = 0
	log.SetDailyVolume(10_000*size*reservedPart/(reservedPart-1) + reservedPart) // 10,000 lines of INFO
	if got := count("later", LevelInfo, 4000); got != 4000 {
		t.Errorf("%d of 4000 lines with half of the volume left", got)
	}
	for i, minute := range []struct{ lines, kept int }{
		{5, 5},   // at 5 lines a minute 4000 last until midnight
		{10, 5},  // at twice as many, every second line
		{40, 5},  // every eighth
		{400, 4}, // every 128th, the first among them
	} {
		log.volume.written = 6000 * size
		log.volume.offered[0] = int64(minute.lines) * size // as fast as the minute before
		now = now.Add(time.Minute)
		if got := count("evnt"+strconv.Itoa(i), LevelInfo, minute.lines); got != minute.kept {
			t.Errorf("%d of %d lines in a minute, want %d", got, minute.lines, minute.kept)
		}
	}
	log.volume.written = 20_000 * size
	if got := count("later", LevelInfo, 100); got != 0 {
		t.Errorf("%d lines beyond the volume", got)
	}
	if got := count("grave", LevelError, 100); got != 100 {
		t.Errorf("%d of 100 errors", got)
	}
	log.SetDailyVolume(1 << 40)
	if got := count("later", LevelInfo, 1); got != 1 {
		t.Error("a higher limit has no effect")
	}
	log.SetDailyVolume(1)
	now = now.Add(12 * time.Hour)
	b.Reset()
	log.Write(t.Context(), note{event: "grave", level: LevelError})
	told := lines(t, b.String())
	if len(told) != 2 || told[1]["event"] != "log_lines_dropped" || told[1]["day"] != "2026-11-26" {
		t.Errorf("at midnight: %s", b.String())
	}
	b.Reset()
	if log.WriteDropped(); b.Len() > 0 {
		t.Errorf("told twice: %s", b.String())
	}
}
