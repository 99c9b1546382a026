package v1alpha1

// Types of conditions. All but Reconciling and Stalled are present from the first status write.
const (
	// ConditionReady says that the service answers requests with the configuration that the spec asks for. It needs
	// SecretsResolved, OpenSearchReady, ModelsReady, ServerReady and ConfigApplied; RedisReady=False makes it
	// True/Degraded.
	ConditionReady = "Ready"
	// ConditionSecretsResolved says that every Secret and entry that the spec names exists and is usable.
	ConditionSecretsResolved = "SecretsResolved"
	// ConditionRedisReady says that both Redis instances answer, or the Redis of spec.redis.external.
	ConditionRedisReady = "RedisReady"
	// ConditionOpenSearchReady says that the search engine answers.
	ConditionOpenSearchReady = "OpenSearchReady"
	// ConditionModelsReady says that the models answer, as far as the servers' requests to them tell.
	ConditionModelsReady = "ModelsReady"
	// ConditionServerReady says that the wanted number of server pods answer.
	ConditionServerReady = "ServerReady"
	// ConditionConfigApplied says that every ready server runs the configuration of status.configHash; its
	// lastTransitionTime says since when.
	ConditionConfigApplied = "ConfigApplied"
	// ConditionCacheEffective says whether the cache is used.
	ConditionCacheEffective = "CacheEffective"
	// ConditionAlertsClear says that no alert of spec.alerts is raised.
	ConditionAlertsClear = "AlertsClear"
	// ConditionSnapshotsReady says that the last snapshot of the documents that was due has been taken.
	ConditionSnapshotsReady = "SnapshotsReady"
	// ConditionMonitoringReady says how the metrics of the servers are found.
	ConditionMonitoringReady = "MonitoringReady"
	// ConditionBudgetWithinLimit says that the service spends within its budget.
	ConditionBudgetWithinLimit = "BudgetWithinLimit"
	// ConditionReconciling (kstatus) is present only while the operator works towards the spec.
	ConditionReconciling = "Reconciling"
	// ConditionStalled (kstatus) is present only when the operator waits for a person.
	ConditionStalled = "Stalled"
)

// Reasons of conditions. A reason is a contract: scripts and alerts match it. docs/reasons.md says what to do on each.
const (
	// ReasonNotConfigured (True): the feature is off.
	ReasonNotConfigured = "NotConfigured"
	// ReasonWithinLimit (True): less than 80 percent of each budget is spent.
	ReasonWithinLimit = "WithinLimit"
	// ReasonNearLimit (True): at least 80 percent of a budget are spent.
	ReasonNearLimit = "NearLimit"
	// ReasonExceeded (False): a budget is spent.
	ReasonExceeded = "Exceeded"
	// ReasonAvailable (True): the part answers.
	ReasonAvailable = "Available"
	// ReasonProgressing (False or Unknown): the part is starting or changing and is not late.
	ReasonProgressing = "Progressing"
	// ReasonRollQueued (True, of Reconciling): pods wait to be replaced until those of other services have been.
	ReasonRollQueued = "RollQueued"
	// ReasonPodFailing (False): a pod of the part cannot start or keeps ending; status.diagnostics names it.
	ReasonPodFailing = "PodFailing"
	// ReasonUnschedulable (False): no node takes a pod of the part.
	ReasonUnschedulable = "Unschedulable"
	// ReasonLate (False): the part has been starting or changing for 10 minutes, and no cause is known.
	ReasonLate = "Late"
	// ReasonAwaitingSecrets (False): the part is not written while a Secret is missing; see SecretsResolved.
	ReasonAwaitingSecrets = "AwaitingSecrets"
	// ReasonQuotaExceeded (False): a ResourceQuota of the namespace refuses pods of the part.
	ReasonQuotaExceeded = "QuotaExceeded"
	// ReasonPodSecurityViolation (False): the namespace's Pod Security level refuses pods of the part.
	ReasonPodSecurityViolation = "PodSecurityViolation"
	// ReasonLimitRangeViolation (False): a LimitRange of the namespace refuses pods of the part.
	ReasonLimitRangeViolation = "LimitRangeViolation"
	// ReasonAdmissionDenied (False): an admission webhook or policy refuses pods of the part.
	ReasonAdmissionDenied = "AdmissionDenied"
	// ReasonPodsRefused (False): the API server refuses pods of the part for another reason.
	ReasonPodsRefused = "PodsRefused"
	// ReasonVolumeNotBound (False): a volume claim of the part gets no volume.
	ReasonVolumeNotBound = "VolumeNotBound"
	// ReasonAttachFailed (False): a volume of the part cannot be attached to the pod's node.
	ReasonAttachFailed = "AttachFailed"
	// ReasonMountFailed (False): a volume of the part cannot be mounted: mostly a Secret or an entry is missing.
	ReasonMountFailed = "MountFailed"
	// ReasonNodeLost (False): the node of a pod of the part does not answer.
	ReasonNodeLost = "NodeLost"
	// ReasonNameConflict (False): an object of the name that the operator needs belongs to somebody else.
	ReasonNameConflict = "NameConflict"
	// ReasonApplyFailed (False): the API server refused an object of the part.
	ReasonApplyFailed = "ApplyFailed"
	// ReasonKindMissing (False): the spec asks for an object of a kind that the API server does not serve.
	ReasonKindMissing = "KindMissing"
	// ReasonNotScaling (True, of ServerReady): the servers run, and their autoscaler cannot change their number.
	ReasonNotScaling = "NotScaling"
	// ReasonNoReplicas (True): spec.server.replicas is 0.
	ReasonNoReplicas = "NoReplicas"

	// ReasonResolved (True): every Secret and entry was found.
	ReasonResolved = "Resolved"
	// ReasonSecretNotFound (False): a Secret that the spec names does not exist.
	ReasonSecretNotFound = "SecretNotFound"
	// ReasonSecretKeyNotFound (False): the Secret lacks the entry that the spec names, or it is empty.
	ReasonSecretKeyNotFound = "SecretKeyNotFound"
	// ReasonSecretInvalid (False): no entry of the API keys' Secret is a key, or that of a certificate authority holds none.
	ReasonSecretInvalid = "SecretInvalid"
	// ReasonCertificateAwaited (True): cert-manager has yet to make the Secret of an Ingress.
	ReasonCertificateAwaited = "CertificateAwaited"
	// ReasonCertificateUnusable (False): the Secret of an Ingress does not exist, is of another type, or its certificate is for other hosts.
	// The servers run; who comes through the Ingress does not trust it.
	ReasonCertificateUnusable = "CertificateUnusable"
	// ReasonCertificateExpires (True): the last certificate of a Secret expires in less than 30, 7 or 1 days.
	ReasonCertificateExpires = "CertificateExpires"
	// ReasonCertificateExpired (False): every certificate of a Secret has expired. The servers run, and trust nobody by it.
	ReasonCertificateExpired = "CertificateExpired"
	// ReasonKeyRefused (False): entries of the API keys' Secret are no keys. The servers run without them.
	ReasonKeyRefused = "KeyRefused"

	// ReasonApplied (True): every ready server runs the configuration.
	ReasonApplied = "Applied"
	// ReasonPropagating (False): the configuration was written and is on its way to the servers, under 120 s.
	ReasonPropagating = "Propagating"
	// ReasonConfigNotApplied (False): a server runs another configuration after 120 s.
	ReasonConfigNotApplied = "ConfigNotApplied"
	// ReasonConfigRejected (False): a server refused the configuration and kept the one before; its log says why.
	ReasonConfigRejected = "ConfigRejected"
	// ReasonPollFailed (Unknown): the operator cannot reach the servers' admin port.
	ReasonPollFailed = "PollFailed"

	// ReasonWarmingUp (Unknown): there was no traffic to judge.
	ReasonWarmingUp = "WarmingUp"
	// ReasonEffective (True): requests are answered from the cache.
	ReasonEffective = "Effective"
	// ReasonLowHitRate (False): fewer requests are answered from the cache than spec.alerts.cacheHitRate asks for.
	ReasonLowHitRate = "LowHitRate"
	// ReasonClear (True): no alert is raised.
	ReasonClear = "Clear"
	// ReasonFiring (False): alerts are raised; the message and status.alerts name them.
	ReasonFiring = "Firing"
	// ReasonLLMUnavailable (False): most requests to the model fail.
	ReasonLLMUnavailable = "LLMUnavailable"
	// ReasonStoreUnreachable (False): the pods run, but the servers cannot reach them.
	ReasonStoreUnreachable = "StoreUnreachable"
	// ReasonWritesBlocked (True): OpenSearch answers searches, but takes no documents: a disk is full, or somebody has blocked an index.
	ReasonWritesBlocked = "WritesBlocked"
	// ReasonEvictionUnsafe (True): the Redis with the buckets of the rate limits may evict them when its memory is full.
	ReasonEvictionUnsafe = "EvictionUnsafe"
	// ReasonReusedVolume (True): a store uses a volume that another RAGService left.
	ReasonReusedVolume = "ReusedVolume"
	// ReasonDraining (True, of OpenSearchReady): nodes leave, when the others have taken what they hold.
	ReasonDraining = "Draining"
	// ReasonVolumeKept (True): a volume that nothing uses any more is still there: that of a managed store whose place an external one took,
	// or of a node of OpenSearch that left.
	ReasonVolumeKept = "VolumeKept"
	// ReasonNoAlertmanager (False): spec.alerts.receivers has some that need an AlertmanagerConfig, which the API server does not serve.
	ReasonNoAlertmanager = "NoAlertmanager"
	// ReasonDeliveryFailed (False): spec.alerts.receivers.webhook does not take alerts.
	ReasonDeliveryFailed = "DeliveryFailed"
	// ReasonMonitored (True): Prometheus Operator has the servers scraped.
	ReasonMonitored = "Monitored"
	// ReasonSnapshotTaken (True): the last snapshot that was due is complete.
	ReasonSnapshotTaken = "SnapshotTaken"
	// ReasonClaimNotFound (False): the volume claim for snapshots does not exist.
	ReasonClaimNotFound = "ClaimNotFound"
	// ReasonSnapshotPending (Unknown): no snapshot was due yet, the first is being taken, or one takes long.
	ReasonSnapshotPending = "SnapshotPending"
	// ReasonSnapshotFailed (False): the last snapshot that was due was not taken. That of before is still there.
	ReasonSnapshotFailed = "SnapshotFailed"
	// ReasonNeverDue (False): the schedule of snapshots names no day that exists.
	ReasonNeverDue = "NeverDue"
	// ReasonSnapshotMissed (False): nothing began the snapshot that was due last, such as where a quota refuses the Job.
	ReasonSnapshotMissed = "SnapshotMissed"

	// ReasonReady (True): everything that Ready needs is True.
	ReasonReady = "Ready"
	// ReasonDegraded (True): the service answers, slower than it should: Redis is not ready.
	ReasonDegraded = "Degraded"
	// ReasonSuspended (True or False): spec.suspend is true, and nothing is written. The status says whether the service answers.
	ReasonSuspended = "Suspended"
	// ReasonReconcileFailed (False): a step of the reconciliation failed and is tried again.
	ReasonReconcileFailed = "ReconcileFailed"
	// ReasonDeleting (False): the RAGService is being deleted.
	ReasonDeleting = "Deleting"
)

// Reasons of events that are no reason of a condition.
const (
	// EventDriftRepaired (Normal): somebody had changed a child, and it is as the spec says again.
	EventDriftRepaired = "DriftRepaired"
	// EventRecreated (Normal): somebody had deleted a child, and it was made again.
	EventRecreated = "Recreated"
	// EventAlertFiring (Warning): an alert of spec.alerts was raised.
	EventAlertFiring = "AlertFiring"
	// EventAlertCleared (Normal): it is over.
	EventAlertCleared = "AlertCleared"
	// EventForeignOperator (Warning): another operator works on the RAGService; this one leaves it alone.
	EventForeignOperator = "ForeignOperator"
	// EventSecretRotated (Normal): a generated Secret has new contents, as somebody asked or since its certificate ends.
	EventSecretRotated = "SecretRotated"
	// EventPodReplaced (Normal): a pod was deleted so that it comes back as the spec says.
	EventPodReplaced = "PodReplaced"
	// EventVolumesRetained (Normal): the RAGService is gone and its volumes stay; the event names them.
	EventVolumesRetained = "VolumesRetained"
)
