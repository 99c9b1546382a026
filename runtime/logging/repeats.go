package logging

import (
	"log/slog"
	"sync"
	"time"
)

const (
	// repeatsPeriod and repeatsWritten: of the same warning, ten are written in a minute and the others counted.
	repeatsPeriod  = time.Minute
	repeatsWritten = 10
	// maxSubjects bounds the memory of warnings; further ones are written as they come.
	maxSubjects = 1000
)

// subject is what makes two warnings the same.
type subject struct {
	event, dependency, code string
}

func (s subject) of(event string) subject {
	s.event = event
	return s
}

// with is s as far as an attribute tells more of it.
func (s subject) with(a slog.Attr) subject {
	switch a.Key {
	case "dependency":
		s.dependency = a.Value.String()
	case "code":
		s.code = a.Value.String()
	}
	return s
}

// repeated is a warning that was held back a number of times.
type repeated struct {
	subject
	times int
}

func (r repeated) line(now time.Time) slog.Record {
	line := slog.NewRecord(now, LevelWarning, r.event, 0)
	line.AddAttrs(slog.String("trace_id", ""), slog.String("user_id", ""))
	if r.dependency != "" {
		line.AddAttrs(slog.String("dependency", r.dependency))
	}
	if r.code != "" {
		line.AddAttrs(slog.String("code", r.code))
	}
	line.AddAttrs(slog.Int("repeated", r.times))
	return line
}

// repeats counts warnings in periods that begin with the first of a subject. It has no timer: what was held back is told
// with the first line, of any kind, after the period.
type repeats struct {
	mu       sync.Mutex
	subjects map[subject]*period
}

type period struct {
	ends          time.Time
	written, held int
}

// holdBack counts a warning and says whether there were enough of it.
func (r *repeats) holdBack(s subject, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.subjects[s]
	if p == nil {
		if len(r.subjects) >= maxSubjects {
			return false
		}
		if r.subjects == nil {
			r.subjects = map[subject]*period{}
		}
		p = &period{ends: now.Add(repeatsPeriod)}
		r.subjects[s] = p
	}
	if p.written < repeatsWritten {
		p.written++
		return false
	}
	p.held++
	return true
}

// expired forgets the periods that are over and returns what they held back.
func (r *repeats) expired(now time.Time) []repeated {
	r.mu.Lock()
	defer r.mu.Unlock()
	var told []repeated
	for s, p := range r.subjects {
		if now.Before(p.ends) {
			continue
		}
		delete(r.subjects, s)
		if p.held > 0 {
			told = append(told, repeated{s, p.held})
		}
	}
	return told
}
