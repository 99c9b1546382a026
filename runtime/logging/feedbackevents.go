package logging

// FeedbackReceived is what a caller says of an answer. The comment is not told.
type FeedbackReceived struct {
	// RatedTraceID is that of the answer.
	RatedTraceID string
	Score        float64
	CommentKept  bool
}

func (e FeedbackReceived) describe(l *line) {
	l.is("feedback_received", LevelInfo)
	l.string("rated_trace_id", e.RatedTraceID)
	l.float("score", e.Score)
	l.bool("comment_kept", e.CommentKept)
}
