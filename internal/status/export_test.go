package status

// LatencyP95 is latencyP95.
var LatencyP95 = latencyP95
