package logging

import (
	"fmt"
	"slices"
)

// Level is how grave a line is.
type Level int32

// Levels, lightest first. Refusals and a caller's own faults are INFO; WARNING is something a person should know of that
// did not fail a request, ERROR failed one, CRITICAL is what somebody must get up for (docs/logs.md says why).
const (
	LevelDebug Level = iota
	LevelInfo
	LevelWarning
	LevelError
	LevelCritical
)

var levelNames = []string{"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}

// String is the level's name in the log.
func (l Level) String() string { return levelNames[l] }

// parseLevel reads a name of the list above.
func parseLevel(name string) (Level, error) {
	i := slices.Index(levelNames, name)
	if i < 0 {
		return 0, fmt.Errorf("%q is not a log level: use DEBUG, INFO, WARNING, ERROR or CRITICAL", name)
	}
	return Level(i), nil //nolint:gosec // an index of five names
}
