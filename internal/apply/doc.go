// Package apply makes the cluster as a desired.State says, with as few requests as that takes: none when it already is.
//
//	State.Generated ─Create, never again─────────────────────┐
//	State.Objects ──cached object differs? ─server-side apply─┼─> ChangeSet, Failures
//	objects of ours that State lacks ─Delete──────────────────┤
//	volume claims ─owner reference by spec.deletionPolicy─────┤
//	outdated pods of OpenSearch ─Delete───────────────────────┘
//
// Every step is tried, whatever became of the others; but a workload is not written while another object of its component
// could not be.
package apply
