package httpapi

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/logging"
	"github.com/ragservice/ragservice-operator/runtime/middleware"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// feedbackAnswer answers POST feedback.
type feedbackAnswer struct {
	// CommentKept is false where there is no comment, and where the log may not tell of queries in full: comments quote them.
	CommentKept bool `json:"comment_kept"`
	// TraceID is that of this request, not of the answer that was judged.
	TraceID string `json:"trace_id"`
}

func (a *API) giveFeedback(w http.ResponseWriter, r *http.Request, c call) error {
	body, err := readBody(r)
	if err != nil {
		return err
	}
	request, err := readFeedback(body, c.dialect)
	if err != nil {
		return err
	}
	request.DropComment = a.Config().Logging.LogQueries != config.LogQueriesFull
	id := middleware.Of(r).Identity
	kept, err := a.Service.GiveFeedback(r.Context(), id, request, c.admit)
	if err != nil {
		return inRequestOrder(err, body)
	}
	told := feedbackAnswer{CommentKept: kept.Comment != "", TraceID: telemetry.TraceID(r.Context())}
	a.Metrics.Feedback(kept.Score)
	a.Traffic.Feedback(id.Tenant, kept.Score)
	a.Log.Write(r.Context(), logging.FeedbackReceived{RatedTraceID: kept.TraceID, Score: kept.Score, CommentKept: told.CommentKept})
	return answer(w, told)
}

var feedbackFields = fields{known: []string{"trace_id", "score", "comment"}, required: []string{"trace_id", "score"}}

func readFeedback(body []byte, d dialect) (rag.FeedbackRequest, error) {
	var request rag.FeedbackRequest
	err := d.decode(body, "body", feedbackFields, func(d *decoder, name string) {
		switch name {
		case "trace_id":
			request.TraceID = d.text(name)
		case "score":
			request.Score = d.number(name)
		case "comment":
			request.Comment = d.text(name)
		}
	})
	return request, err
}

// feedbackList answers GET feedback.
type feedbackList struct {
	Feedback []givenFeedback `json:"feedback"`
	// NextCursor is empty on the last page.
	NextCursor string `json:"next_cursor"`
	TraceID    string `json:"trace_id"`
}

type givenFeedback struct {
	// TraceID is that of the answer.
	TraceID string  `json:"trace_id"`
	Score   float64 `json:"score"`
	Comment string  `json:"comment"`
	// UserID is the caller as the log names it.
	UserID    string    `json:"user_id"`
	CreatedAt time.Time `json:"created_at"`
}

func (a *API) listFeedback(w http.ResponseWriter, r *http.Request, c call) error {
	params := r.URL.Query()
	request := rag.FeedbackListRequest{Cursor: params.Get("cursor")}
	if params.Has("limit") {
		limit, err := strconv.Atoi(params.Get("limit"))
		if err != nil {
			limit = 0 // which is none, either
		}
		request.Limit = &limit
	}
	found, err := a.Service.ListFeedback(r.Context(), middleware.Of(r).Identity, request, c.admit)
	if err != nil {
		return err
	}
	told := feedbackList{Feedback: make([]givenFeedback, len(found.Feedback)), NextCursor: found.Next, TraceID: telemetry.TraceID(r.Context())}
	for i, f := range found.Feedback {
		told.Feedback[i] = givenFeedback{
			TraceID: f.TraceID, Score: f.Score, Comment: f.Comment, UserID: middleware.UserID(rag.Identity{Name: f.By}), CreatedAt: f.At.UTC(),
		}
	}
	return answer(w, told)
}

// feedbackFigures count feedback by whether its score is above, at or below 0. MeanScore is null without any.
type feedbackFigures struct {
	Positive  int64    `json:"positive"`
	Neutral   int64    `json:"neutral"`
	Negative  int64    `json:"negative"`
	MeanScore *float64 `json:"mean_score"`
}

func newFeedbackFigures(c telemetry.FeedbackCounts) feedbackFigures {
	f := feedbackFigures{Positive: c.Positive, Neutral: c.Neutral, Negative: c.Negative}
	if all := c.All(); all > 0 {
		mean := math.Round(1000*c.Sum/float64(all)) / 1000
		f.MeanScore = &mean
	}
	return f
}
