package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// SnapshotsSpec has snapshots of the documents taken. They hold the documents alone, neither cached results nor keys of callers.
type SnapshotsSpec struct {
	// repository is where snapshots are kept.
	// +required
	Repository SnapshotRepository `json:"repository,omitzero"`
	// schedule is when one is taken, as cron writes it, by UTC: minute, hour, day of the month, month and day of the week, such as
	// "0 3 * * *" for every night at three, or @hourly, @daily, @weekly or @monthly.
	// +required
	Schedule CronSchedule `json:"schedule,omitempty"`
	// keep is how many complete snapshots there may be. After each new one the oldest beyond that are deleted. Default 7.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	// +default=7
	// +optional
	Keep *int32 `json:"keep,omitempty"`
}

// SnapshotRepository is where snapshots are kept: one of its fields.
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:XValidation:rule="!has(self.name) || !has(self.claimName)",message="spec.openSearch.snapshots.repository must have one of name and claimName"
type SnapshotRepository struct {
	// name of a snapshot repository that somebody has registered in the external OpenSearch, of any type, such as s3. Several services may
	// share it.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=100
	// +kubebuilder:validation:Pattern=`^[a-z0-9][a-z0-9._-]*$`
	// +optional
	Name string `json:"name,omitempty"`
	// claimName is the name of a PersistentVolumeClaim of this namespace, which stays when the RAGService goes. Each node of the managed
	// OpenSearch mounts it, as soon as it exists: of several nodes on different machines its access mode must be ReadWriteMany. Another claim, or
	// none, replaces the nodes one by one: a single node is away meanwhile.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	// +optional
	ClaimName string `json:"claimName,omitempty"`
}

// CronSchedule is a schedule as cron writes it.
// +kubebuilder:validation:MinLength=6
// +kubebuilder:validation:MaxLength=64
// +kubebuilder:validation:XValidation:rule="self.matches('^(@(hourly|daily|weekly|monthly)|([*]|[0-5]?[0-9](-[0-5]?[0-9])?)(/[1-9][0-9]?)?(,([*]|[0-5]?[0-9](-[0-5]?[0-9])?)(/[1-9][0-9]?)?)* ([*]|([01]?[0-9]|2[0-3])(-([01]?[0-9]|2[0-3]))?)(/[1-9][0-9]?)?(,([*]|([01]?[0-9]|2[0-3])(-([01]?[0-9]|2[0-3]))?)(/[1-9][0-9]?)?)* ([*]|(0?[1-9]|[12][0-9]|3[01])(-(0?[1-9]|[12][0-9]|3[01]))?)(/[1-9][0-9]?)?(,([*]|(0?[1-9]|[12][0-9]|3[01])(-(0?[1-9]|[12][0-9]|3[01]))?)(/[1-9][0-9]?)?)* ([*]|(0?[1-9]|1[0-2])(-(0?[1-9]|1[0-2]))?)(/[1-9][0-9]?)?(,([*]|(0?[1-9]|1[0-2])(-(0?[1-9]|1[0-2]))?)(/[1-9][0-9]?)?)* ([*]|[0-6](-[0-6])?)(/[1-6])?(,([*]|[0-6](-[0-6])?)(/[1-6])?)*)$')",message="must have five fields as cron does (minute 0-59, hour 0-23, day 1-31, month 1-12, day of the week 0-6, 0 for Sunday), such as \"0 3 * * *\", or be @hourly, @daily, @weekly or @monthly"
// +kubebuilder:validation:XValidation:rule="self.findAll('[0-9]+-[0-9]+').all(r, int(r.split('-')[0]) <= int(r.split('-')[1]))",message="a range must begin with the smaller of its ends, such as 1-5"
type CronSchedule string

// SnapshotsStatus is what became of the schedule of snapshots.
type SnapshotsStatus struct {
	// lastScheduleTime is when a snapshot was due last.
	// +optional
	LastScheduleTime metav1.Time `json:"lastScheduleTime,omitzero"`
	// nextScheduleTime is when the next snapshot is due. One that is past was not begun. Absent while none is due.
	// +optional
	NextScheduleTime metav1.Time `json:"nextScheduleTime,omitzero"`
	// lastSuccessfulTime is when the last Job ended that took one.
	// +optional
	LastSuccessfulTime metav1.Time `json:"lastSuccessfulTime,omitzero"`
}
