// Package apply makes the cluster as a desired.Plan says, with as few requests as that takes: none when it already is.
//
//	Generated Secrets ─Create, never again───────────────────┐
//	objects ─cached object differs? ─server-side apply────────┼─> ChangeSet, Failures
//	objects of ours that the Plan lacks ─Delete───────────────┤
//	volume claims ─owner reference as planned─────────────────┤
//	Actions ─Delete a pod─────────────────────────────────────┘
//
// Every step is tried, whatever became of the others; but a workload is not written while another object of its component
// could not be.
package apply
