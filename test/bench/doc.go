// Package bench measures how fast the built ragserver answers: `make bench` prints its table, docs/performance.md keeps one.
package bench
