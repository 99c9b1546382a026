// Package logging writes the server's log: one JSON object a line with timestamp, level, event, trace_id and user_id.
// The event is a constant of this package; everything else is in attributes. No secret that the server knows is ever
// written, whatever an error message holds.
package logging
