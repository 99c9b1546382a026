// Package searchnodes talks to the nodes of a managed OpenSearch: it asks how their cluster is, and tells the cluster which of them leave.
package searchnodes
