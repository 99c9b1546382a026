package logging

import (
	"fmt"
	"log/slog"
)

// Levels, lightest first. Refusals and a caller's own faults are INFO; WARNING is something a person should know of that
// did not fail a request, ERROR failed one, CRITICAL ends the server.
const (
	LevelDebug    = slog.LevelDebug
	LevelInfo     = slog.LevelInfo
	LevelWarning  = slog.LevelWarn
	LevelError    = slog.LevelError
	LevelCritical = slog.LevelError + 4
)

var levelNames = map[slog.Level]string{
	LevelDebug: "DEBUG", LevelInfo: "INFO", LevelWarning: "WARNING", LevelError: "ERROR", LevelCritical: "CRITICAL",
}

// parseLevel reads a name of the list above.
func parseLevel(name string) (slog.Level, error) {
	for level, known := range levelNames {
		if known == name {
			return level, nil
		}
	}
	return 0, fmt.Errorf("%q is not a log level: use DEBUG, INFO, WARNING, ERROR or CRITICAL", name)
}
