// Package status judges. Evaluate takes what one pass of the reconciler read, wrote and saw, with the time and the status
// of before, and returns the new status and the events that are worth telling. It holds no client, clock, randomness,
// environment or logger, and never changes its arguments.
//
//	Pass ─┬─ secrets, stores, workload, server: what the API server knows of the parts  ─┐
//	      └─ server (models, configuration), cache: what the servers say of themselves   ─┴─ ready ─> Verdict
//
// observed.go is what package observe sees of the children; evaluate.go has the table of conditions and who judges each. A rule that all
// of them keep: a message speaks to a person, never holds a time or the name of a pod, and stays the same while the facts do.
package status
