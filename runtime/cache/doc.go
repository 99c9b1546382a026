// Package cache keeps search results and answers, so that the same question does not cost a search or a model twice. It
// decorates the ports of the domain: nothing else of the server knows of it.
//
//	Retrieve, Generate ─> this server's memory ─> call   ─> Redis ─> the port behind
//	                         └ hit                 │ └ joined: another request does the same work right now
//	                                               └ result ─> memory ─> waiters, and in the background Redis
//
// Searches are kept under the generation of the documents and served only under one that is confirmed, so nothing found
// before a deletion is served after it. Answers are kept under the very passages they were written from.
package cache
