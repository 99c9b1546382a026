// Package budget bounds what models take in calendar days and months, for the service and for each tenant. Sums are kept in Redis and shared by
// all servers; a call to a model reserves the most that it can take, and is settled by what it took.
//
// Where it cannot be exact it mostly counts too much: a reservation whose server was killed counts whole once its lease is over, an answer that
// broke off counts whole, and a Redis that has lost what it was told is told again. It counts too little: nothing of a request that was answered
// with an error, also when a model had worked for it; nothing of a reservation older than its lease that Redis has lost; and nothing of what a
// server took without Redis, and was killed before it could tell.
package budget
