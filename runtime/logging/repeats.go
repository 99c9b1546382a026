package logging

import (
	"sync"
	"sync/atomic"
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

// repeated is a warning that was held back a number of times.
type repeated struct {
	subject
	times int
}

func (r repeated) describe(l *line) {
	l.is(r.event, LevelWarning)
	l.dependency(r.dependency)
	l.code(r.code)
	l.int("repeated", int64(r.times))
}

// repeats counts warnings in periods that begin with the first of a subject. It has no timer: what was held back is told
// with the first line, of any kind, after the period.
type repeats struct {
	// nextEnd is when the first period ends, in nanoseconds since 1970; 0 while there is none. Lines that come before do not wait
	// for the mutex.
	nextEnd  atomic.Int64
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
		r.noteNextEnd()
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
	if end := r.nextEnd.Load(); end == 0 || now.UnixNano() < end {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var held []repeated
	for s, p := range r.subjects {
		if now.Before(p.ends) {
			continue
		}
		delete(r.subjects, s)
		if p.held > 0 {
			held = append(held, repeated{s, p.held})
		}
	}
	r.noteNextEnd()
	return held
}

// noteNextEnd is called with the mutex held when a period begins or ends.
func (r *repeats) noteNextEnd() {
	var next int64
	for _, p := range r.subjects {
		if end := p.ends.UnixNano(); next == 0 || end < next {
			next = end
		}
	}
	r.nextEnd.Store(next)
}
