// Package stats knows what all servers of a service have counted: each shares its figures through Redis every few seconds, and whoever is
// asked adds them up. It also counts which questions are asked most, for administrators.
package stats
