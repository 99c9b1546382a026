// Package notify tells spec.alerts.receivers.webhook of alerts that are raised and that are over, without Prometheus and Alertmanager. It works
// beside the reconcile queue, in a pool of its own, so that no pass waits for a receiver.
//
//	status.alerts, status.notified ─ status.DueNotices ─> Notifier ─ POST ─> receiver
//	            ^                                            │
//	            └────────── the next pass <── Deliveries ────┘
//
// What was delivered is known by status.notified alone: an operator that starts, or becomes the leader, goes on where the one of before ended.
// A notice is delivered at least once. It comes twice where the operator ends between the receiver's answer and the write of the status.
package notify
