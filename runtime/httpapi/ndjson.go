package httpapi

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// lines reads NDJSON: an element a line, empty lines aside. A broken line does not hide those after it.
type lines struct {
	r *bufio.Reader
}

func (l *lines) next() ([]byte, error) {
	for {
		line, err := l.line()
		line = bytes.TrimSpace(line)
		switch {
		case err == nil && len(line) == 0:
			continue
		case errors.Is(err, io.EOF) && len(line) == 0, isElementError(err):
			return nil, err
		case err != nil && !errors.Is(err, io.EOF):
			return nil, readFault(err)
		}
		if err := checkElement(line); err != nil {
			return nil, &elementError{err}
		}
		return line, nil
	}
}

// line reads up to a newline. The rest of a line that is too long is passed over.
func (l *lines) line() ([]byte, error) {
	var line []byte
	tooLong := false
	for {
		part, err := l.r.ReadSlice('\n')
		if tooLong = tooLong || len(line)+len(part) > maxElement; tooLong {
			line = nil
		} else {
			line = append(line, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case tooLong && (err == nil || errors.Is(err, io.EOF)):
			return nil, &elementError{elementTooLarge()}
		default:
			return line, err
		}
	}
}
