package alerting

import (
	"encoding/json"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/ragservice/ragservice-operator/alerts"
	"github.com/ragservice/ragservice-operator/internal/notify"
)

// Credentials, as Secrets hold them.
const (
	smtpPassword = "password-of-mail"
	slackPath    = "/services/T000/B000/token-of-slack"
	pagerKey     = "0123456789abcdef0123456789abcdef"
	smsPath      = "/sms?token=token-of-sms"
)

// delivered are the messages that receivers took, by receiver.
type delivered struct {
	mu  sync.Mutex
	all map[string][]message
}

// message is that an alert is firing or resolved.
type message struct {
	alert, status string
	at            time.Time
}

func (d *delivered) add(receiver, alert, status string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all == nil {
		d.all = map[string][]message{}
	}
	d.all[receiver] = append(d.all[receiver], message{alert, status, time.Now()})
}

// first is when a receiver first took a message since a time.
func (d *delivered) first(receiver, alert, status string, since time.Time) (at time.Time, told bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.IndexFunc(d.all[receiver], func(m message) bool { return m.alert == alert && m.status == status && m.at.After(since) })
	if i < 0 {
		return time.Time{}, false
	}
	return d.all[receiver][i].at, true
}

func (d *delivered) by(receiver string) (all []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, m := range d.all[receiver] {
		all = append(all, m.alert+" "+m.status)
	}
	return all
}

// title is how Alertmanager's templates begin a message of a group, with the name of the service and its namespace.
var title = regexp.MustCompile(`\[(FIRING:\d+|RESOLVED)\] (RAGService\w+) papers library\b`)

// addTitled takes a message by its title.
func (d *delivered) addTitled(t *testing.T, receiver, text string) {
	found := title.FindStringSubmatch(text)
	if found == nil {
		t.Errorf("%s: no title of an alert of the service: %q", receiver, text)
		return
	}
	status := "firing"
	if found[1] == "RESOLVED" {
		status = "resolved"
	}
	d.add(receiver, found[2], status)
}

// mailbox is an SMTP server for one user.
type mailbox struct {
	t         *testing.T
	delivered *delivered
}

func startMailbox(t *testing.T, d *delivered) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(mailbox{t, d})
	server.AllowInsecureAuth = true
	go func() { _ = server.Serve(listener) }() // until it is closed
	t.Cleanup(func() { _ = server.Close() })
	return listener.Addr().String()
}

func (m mailbox) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{mailbox: m}, nil }

type session struct {
	mailbox
	known    bool
	from, to string
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		if s.known = username == "rag" && password == smtpPassword; !s.known {
			return smtp.ErrAuthFailed
		}
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error { s.from = from; return nil }
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error   { s.to = to; return nil }
func (s *session) Reset()                                      {}
func (s *session) Logout() error                               { return nil }

func (s *session) Data(r io.Reader) error {
	if !s.known {
		return smtp.ErrAuthRequired
	}
	message, err := mail.ReadMessage(r)
	if err != nil {
		s.t.Errorf("mail: %v", err)
		return err
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject"))
	if err != nil || s.from != "rag@example.com" || s.to != "oncall@example.com" {
		s.t.Errorf("mail from %s to %s: %v", s.from, s.to, err)
	}
	s.delivered.addTitled(s.t, "email", subject)
	return nil
}

// startHTTP listens for Slack's incoming webhooks, PagerDuty's events and the webhooks of the gateway for text messages.
func startHTTP(t *testing.T, d *delivered) *httptest.Server {
	t.Helper()
	routes := http.NewServeMux()
	routes.HandleFunc("POST "+slackPath, func(w http.ResponseWriter, r *http.Request) {
		var message struct {
			Channel     string
			Attachments []struct{ Title string }
		}
		if err := json.NewDecoder(r.Body).Decode(&message); err != nil || message.Channel != "#search" || len(message.Attachments) != 1 {
			t.Errorf("Slack: %v %+v", err, message)
			return
		}
		d.addTitled(t, "slack", message.Attachments[0].Title)
		_, _ = io.WriteString(w, "ok")
	})
	routes.HandleFunc("POST /v2/enqueue", func(w http.ResponseWriter, r *http.Request) {
		var event struct {
			RoutingKey string `json:"routing_key"`
			Action     string `json:"event_action"`
			DedupKey   string `json:"dedup_key"`
			Payload    struct{ Summary, Source, Severity string }
		}
		if err := json.NewDecoder(r.Body).Decode(&event); err != nil || event.RoutingKey != pagerKey || event.DedupKey == "" ||
			event.Payload.Severity != "critical" || !map[string]bool{"trigger": true, "resolve": true}[event.Action] {
			t.Errorf("PagerDuty: %v %+v", err, event)
			return
		}
		d.addTitled(t, "pagerDuty", event.Payload.Summary)
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"status":"success","message":"Event processed","dedup_key":"`+event.DedupKey+`"}`)
	})
	routes.HandleFunc("POST /sms", func(_ http.ResponseWriter, r *http.Request) {
		var took struct {
			notify.Message
			// These are what the operator does not send.
			Reason      string            `json:"notification_reason"`
			RouteLabels map[string]string `json:"routeLabels"`
		}
		decoder := json.NewDecoder(r.Body)
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&took); err != nil || took.Version != "4" || "/sms?"+r.URL.RawQuery != smsPath {
			t.Errorf("webhook: %v, version %q, to %s", err, took.Version, r.URL)
			return
		}
		for _, a := range took.Alerts {
			if a.Labels[alerts.LabelSeverity] != "critical" || a.Labels[alerts.LabelName] != "papers" || a.Annotations["runbook_url"] == "" {
				t.Errorf("webhook: %+v", a)
			}
		}
		d.add("sms", took.GroupLabels[alerts.LabelAlert], took.Status)
	})
	routes.HandleFunc("/", func(_ http.ResponseWriter, r *http.Request) { t.Errorf("nobody expects %s %s", r.Method, r.URL.Path) })
	server := httptest.NewServer(routes)
	t.Cleanup(server.Close)
	return server
}

// addressOf is host:port of a server.
func addressOf(s *httptest.Server) string { return strings.TrimPrefix(s.URL, "http://") }
