package config

import "time"

// How long a server takes to end, for whoever gives it the time: its own drain and the grace period of its pod.
const (
	// DrainDelay is how long a server that is not alone goes on taking connections after it was told to end: for kube-proxy, ingress
	// controllers and load balancers to notice.
	DrainDelay = 5 * time.Second
	// LongestRequest is the latest deadline that a request has under any configuration: that of an answer whose model has the longest
	// timeout that spec.models.llm.timeout can be, 5 min, and what an answer takes beside it. Streams and uploads have 5 min.
	LongestRequest = 5*time.Minute + 15*time.Second
	// CutTimeout is how long requests that were cut off at the end of the drain have to say so.
	CutTimeout = 2 * time.Second
	// CloseTimeout is how long what is left to write after the last request may take.
	CloseTimeout = 3 * time.Second
	// EndTimeout is all of it.
	EndTimeout = DrainDelay + LongestRequest + CutTimeout + CloseTimeout
)
