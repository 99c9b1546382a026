// Package dashboards is the one source of the Grafana dashboards. The files of its folder are what the Go code says: `make generate` writes
// them and the chart's copies.
//
// Each dashboard is a list of rows of panels, written down as data (panel.go). Queries name what they select by shorthands (queries.go), so
// that all of them find the series of one RAGService in the same way.
package dashboards
