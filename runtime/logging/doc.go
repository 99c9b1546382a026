// Package logging writes the server's log: one JSON object a line with timestamp, level, event, trace_id and user_id, then what the
// event has to say, always in the same order. The events are types of this package; docs/logs.md lists them. No secret that the
// server knows is ever written, whatever an error message holds.
package logging
