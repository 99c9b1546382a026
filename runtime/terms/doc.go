// Package terms holds what the stores index alike, so that documents are found on a laptop as they are on a cluster:
// which words carry no meaning, what a title is worth, and how metadata becomes terms that a filter asks for.
package terms
