package telemetry

// FeedbackCounts count what callers say of answers, by whether the score is above, at or below 0. Who says something else of the same answer
// later counts again.
type FeedbackCounts struct {
	Positive int64 `json:"p,omitempty"`
	Neutral  int64 `json:"z,omitempty"`
	Negative int64 `json:"n,omitempty"`
	// Sum is that of the scores.
	Sum float64 `json:"s,omitempty"`
}

// All is how many there are.
func (f *FeedbackCounts) All() int64 { return f.Positive + f.Neutral + f.Negative }

// Add adds those of others.
func (f *FeedbackCounts) Add(o FeedbackCounts) {
	f.Positive += o.Positive
	f.Neutral += o.Neutral
	f.Negative += o.Negative
	f.Sum += o.Sum
}

// verdicts are the values of the label.
const (
	verdictPositive = "positive"
	verdictNeutral  = "neutral"
	verdictNegative = "negative"
)

func verdict(score float64) string {
	switch {
	case score > 0:
		return verdictPositive
	case score < 0:
		return verdictNegative
	default:
		return verdictNeutral
	}
}

// Feedback counts what a caller says of an answer, in [-1, 1].
func (m *Metrics) Feedback(score float64) { m.feedback.WithLabelValues(verdict(score)).Inc() }

// Feedback counts what a caller of a tenant says of an answer.
func (t *Traffic) Feedback(tenant string, score float64) {
	one := FeedbackCounts{Sum: score}
	switch verdict(score) {
	case verdictPositive:
		one.Positive = 1
	case verdictNegative:
		one.Negative = 1
	default:
		one.Neutral = 1
	}
	t.record(tenant, func(c *Counts) { c.Feedback.Add(one) }, func(*Minute) {})
}
