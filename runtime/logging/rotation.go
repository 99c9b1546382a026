package logging

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

const (
	// FileName is the file of today; those of the days before have a number behind it.
	FileName = "app.log"
	// keptDays is the highest number.
	keptDays = 7
)

// rotation is a folder of the log's files.
type rotation struct {
	dir string
	// max is the size of all files, in bytes. That of today has half of it, so that a bad day leaves something of those before.
	max int64
	now func() time.Time

	file *os.File // nil until it is needed, and after a failure
	size int64    // of file
	day  int64    // of file, in days since 1970
	// older is the size of the numbered files.
	older int64
	// full is that file has had its half: it takes no more until tomorrow, rather than a line here and there.
	full bool
}

// write appends whole lines, and returns how many bytes of them the file has.
func (r *rotation) write(lines []byte) (int, error) {
	if err := r.open(); err != nil {
		return 0, err
	}
	if err := r.makeRoom(int64(len(lines))); err != nil {
		return 0, err
	}
	n, err := r.file.Write(lines)
	if err != nil {
		n = bytes.LastIndexByte(lines[:n], '\n') + 1
		err = errors.Join(err, r.file.Truncate(r.size+int64(n))) // no half line
	}
	r.size += int64(n)
	if err != nil {
		r.close() // the disk may be another one when it is back
	}
	return n, err
}

// open opens the file of today, in place of yesterday's.
func (r *rotation) open() error {
	today := daysSince1970(r.now())
	if r.file == nil {
		if err := r.openFile(today); err != nil {
			return err
		}
	}
	if today <= r.day {
		return nil
	}
	r.close()
	if err := r.shift(); err != nil {
		return fmt.Errorf("rotate the log's files: %w", err)
	}
	return r.openFile(today)
}

func (r *rotation) openFile(today int64) error {
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return fmt.Errorf("make the log's folder: %w", err)
	}
	file, err := os.OpenFile(r.path(0), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		return errors.Join(err, file.Close())
	}
	r.file, r.size, r.day, r.full, r.older = file, info.Size(), today, false, 0
	if r.size > 0 {
		r.day = min(daysSince1970(info.ModTime()), today) // the clock may have been ahead
	}
	for number := 1; number <= keptDays; number++ {
		r.older += r.sizeOf(number)
	}
	return nil
}

// shift gives each file the next number, and removes the last.
func (r *rotation) shift() error {
	for number := keptDays; number > 0; number-- {
		if err := os.Rename(r.path(number-1), r.path(number)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// makeRoom removes the oldest files until n bytes more stay under the maximum.
func (r *rotation) makeRoom(n int64) error {
	if r.full = r.full || r.size+n > r.max/2; r.full {
		return fmt.Errorf("%s has half of the %d bytes that all files may have", FileName, r.max)
	}
	for number := keptDays; number > 0 && r.size+n+r.older > r.max; number-- {
		size := r.sizeOf(number)
		if err := os.Remove(r.path(number)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		r.older -= size
	}
	return nil
}

func (r *rotation) close() {
	if r.file != nil {
		_ = r.file.Close() // every write was checked
		r.file = nil
	}
}

// path is that of the file with a number; 0 is today's.
func (r *rotation) path(number int) string {
	if number == 0 {
		return filepath.Join(r.dir, FileName)
	}
	return filepath.Join(r.dir, FileName+"."+strconv.Itoa(number))
}

// sizeOf is 0 for a file that is not there.
func (r *rotation) sizeOf(number int) int64 {
	info, err := os.Stat(r.path(number))
	if err != nil {
		return 0
	}
	return info.Size()
}
