// Package controller strings the phases of one pass together. There is no rule in it: what shall exist is decided in
// package desired, what a status says in package status.
//
//	RAGService, children, Secrets, volumes, pods ─watch─┐       ┌─ servers' admin ports, every 10 s
//	                                                    v       v
//	                             queue <──────────────────── Poller
//	                               │
//	Reconcile:                     v
//	  observe.Read    children ─> Snapshot
//	  secrets.Read    Secrets ─> SecretFacts
//	  desired.Build   RAGService + Snapshot + SecretFacts ─> Plan   (pure)
//	  apply.Apply     Plan ─> API server, ChangeSet
//	  observe.Observe Snapshot + what the Poller heard ─> Observed
//	  status.Evaluate all of it + errors + time ─> Verdict          (pure)
//	  finish          one status patch, then events, then what to do next
//
// A phase that fails does not end the pass: what is known is judged and written. A steady RAGService costs no write and
// no request; a poll that changes nothing does not bring it into the queue.
package controller
