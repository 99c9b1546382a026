package rag

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Bounds of feedback.
const (
	// MaxFeedbackComment is the longest comment, in characters after trimming.
	MaxFeedbackComment = 2000
	// FeedbackPage is how many are listed at once by default, MaxFeedbackPage at most.
	FeedbackPage    = 20
	MaxFeedbackPage = 100
	// FeedbackKept is how long feedback is kept, and MaxFeedback how much of each tenant, the newest: OpenSearch looks no deeper.
	FeedbackKept = 90 * 24 * time.Hour
	MaxFeedback  = 10_000
	// forgetEvery is between two looks for feedback that is to be kept no longer.
	forgetEvery = time.Hour
)

// Feedback is what a caller says of an answer.
type Feedback struct {
	// TraceID is that of the answer.
	TraceID string
	// Score is -1 for bad to 1 for good.
	Score float64
	// Comment may be empty.
	Comment string
	// By is the Identity.Name of the caller.
	By string
	// At is when it came, in whole milliseconds.
	At time.Time
}

// place is the feedback's in a list.
func (f Feedback) place() FeedbackPlace { return FeedbackPlace{f.At.UnixMilli(), f.TraceID, f.By} }

// FeedbackPlace is a place in the list of a tenant's feedback: the newest comes first, what came in the same millisecond in the order of
// trace and caller.
type FeedbackPlace struct {
	// At is in milliseconds since 1970.
	At      int64  `json:"at"`
	TraceID string `json:"trace_id"`
	By      string `json:"by"`
}

// FeedbackStore keeps feedback. Its errors are ErrSearchTimeout and ErrSearchUnavailable.
type FeedbackStore interface {
	// PutFeedback keeps what a caller says, in place of what the same caller said of the same answer before.
	PutFeedback(ctx context.Context, tenant string, f Feedback) error
	// ListFeedback lists at most so much of a tenant's, from behind a place; nil is the beginning, where all that was put before is seen.
	ListFeedback(ctx context.Context, tenant string, after *FeedbackPlace, most int) ([]Feedback, error)
	// ForgetFeedback removes, of all tenants, what came before a moment, and of each what is beyond its newest. Of many tenants that have too
	// much it may leave some to the next call.
	ForgetFeedback(ctx context.Context, before time.Time, newest int) error
}

// FeedbackRequest is feedback as a caller wrote it.
type FeedbackRequest struct {
	TraceID string
	Score   *float64
	Comment string
	// DropComment has the comment judged and not kept.
	DropComment bool
}

// FeedbackListRequest asks for a page of the tenant's feedback.
type FeedbackListRequest struct {
	// Cursor is the Next of an earlier page; empty for the first one.
	Cursor string
	// Limit is how many at most; nil means FeedbackPage.
	Limit *int
}

// FeedbackList is a page of feedback. Next is the cursor of the page that follows, empty when none does.
type FeedbackList struct {
	Feedback []Feedback
	Next     string
}

// GiveFeedback keeps what a caller says of an answer, once admit let the request pass, which is called when it is valid. It returns what it has kept.
func (s *Service) GiveFeedback(ctx context.Context, id Identity, r FeedbackRequest, admit func(context.Context) error) (Feedback, error) {
	f, err := r.feedback(id)
	if err != nil {
		return Feedback{}, err
	}
	if err := admit(ctx); err != nil {
		return Feedback{}, err
	}
	return f, s.Feedback.PutFeedback(ctx, id.Tenant, f)
}

// ListFeedback is a page of what was said of answers to the caller's tenant, the newest first. It calls admit when the request is valid.
func (s *Service) ListFeedback(ctx context.Context, id Identity, r FeedbackListRequest, admit func(context.Context) error) (FeedbackList, error) {
	after, most, err := r.read()
	if err != nil {
		return FeedbackList{}, err
	}
	if err := admit(ctx); err != nil {
		return FeedbackList{}, err
	}
	found, err := s.Feedback.ListFeedback(ctx, id.Tenant, after, most+1) // one more tells whether a page follows
	if err != nil || len(found) <= most {
		return FeedbackList{Feedback: found}, err
	}
	found = found[:most]
	return FeedbackList{Feedback: found, Next: found[most-1].place().cursor()}, nil
}

func (r FeedbackRequest) feedback(id Identity) (Feedback, error) {
	f := Feedback{TraceID: r.TraceID, By: id.Name, At: time.Now().Truncate(time.Millisecond)}
	var faults []FieldError
	if !isTraceID(r.TraceID) {
		faults = append(faults, FieldError{"trace_id", "must be the trace_id of an answer: 32 hexadecimal digits in lower case, not all of them 0"})
	}
	switch {
	case r.Score == nil:
		faults = append(faults, FieldError{"score", "is required"})
	case !(*r.Score >= -1 && *r.Score <= 1): // nor is it NaN
		faults = append(faults, FieldError{"score", "must be a number from -1 (bad) to 1 (good)"})
	default:
		f.Score = *r.Score + 0 // that of -0 is 0
	}
	comment, fault := readComment(r.Comment)
	if fault != "" {
		faults = append(faults, FieldError{"comment", fault})
	}
	if len(faults) > 0 {
		return Feedback{}, Invalid(faults...)
	}
	if !r.DropComment {
		f.Comment = comment
	}
	return f, nil
}

// isTraceID says whether id names a trace, as W3C Trace Context writes it.
func isTraceID(id string) bool {
	return len(id) == 32 && strings.Trim(id, "0123456789abcdef") == "" && strings.Trim(id, "0") != ""
}

// readComment is the comment in NFC and trimmed, or what is wrong with it.
func readComment(raw string) (text, fault string) {
	text = norm.NFC.String(strings.TrimSpace(newlines.Replace(raw)))
	switch {
	case !utf8.ValidString(text):
		return "", "must be valid UTF-8"
	case strings.ContainsFunc(text, isForbidden):
		return "", "must not contain control characters other than newline and tab"
	case utf8.RuneCountInString(text) > MaxFeedbackComment:
		return "", fmt.Sprintf("must have at most %d characters", MaxFeedbackComment)
	}
	return text, ""
}

func (r FeedbackListRequest) read() (after *FeedbackPlace, most int, err error) {
	var faults []FieldError
	if r.Cursor != "" {
		if after = readFeedbackCursor(r.Cursor); after == nil {
			faults = append(faults, FieldError{"cursor", "must be the next_cursor of an earlier answer; leave it out for the first page"})
		}
	}
	most = FeedbackPage
	if r.Limit != nil {
		most = *r.Limit
	}
	if most < 1 || most > MaxFeedbackPage {
		faults = append(faults, FieldError{"limit", fmt.Sprintf("must be between 1 and %d", MaxFeedbackPage)})
	}
	if len(faults) > 0 {
		return nil, 0, Invalid(faults...)
	}
	return after, most, nil
}

// cursor names the place to callers, for whom it means nothing.
func (p FeedbackPlace) cursor() string {
	encoded, err := json.Marshal(p)
	if err != nil {
		panic(err) // it is a number and strings
	}
	return base64.RawURLEncoding.EncodeToString(encoded)
}

// readFeedbackCursor is the place that a cursor names, nil for what is no cursor.
func readFeedbackCursor(cursor string) *FeedbackPlace {
	encoded, err := base64.RawURLEncoding.DecodeString(cursor)
	var p FeedbackPlace
	if err != nil || json.Unmarshal(encoded, &p) != nil || p.At < 0 || !isTraceID(p.TraceID) || p.cursor() != cursor {
		return nil
	}
	return &p
}

// forgetFeedback removes what is to be kept no longer, once in forgetEvery. When that fails the next try is as late: nothing hangs on it.
func (s *Sweeper) forgetFeedback(ctx context.Context, now time.Time) error {
	if now.Sub(s.forgotAt) < forgetEvery {
		return nil
	}
	s.forgotAt = now
	return s.Feedback.ForgetFeedback(ctx, now.Add(-FeedbackKept), MaxFeedback)
}
