package budget

import (
	"context"
	_ "embed"
	"fmt"
	"net/url"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/ragservice/ragservice-operator/runtime/ratelimit"
)

//go:embed account.lua
var accountSource string

// accountScript is sent by its hash, and whole only when Redis answers that it does not know it, so has not run it.
var accountScript = redis.NewScript(accountSource)

const (
	// lease is how long a reservation is one: longer than the longest answer. After it, it counts as taken.
	lease = 10 * time.Minute
	// chargedFor is how long it is remembered that a charge was made: longer than a server tries to make it.
	chargedFor = 24 * time.Hour
)

// Operations of the script.
const (
	opReserve = "reserve"
	opSettle  = "settle"
	opCharge  = "charge"
	opRead    = "read"
)

// operation is a run of the script.
type operation struct {
	name, id string
	enforced bool
	entries  []entry
}

// entry is an operation's part on an account.
type entry struct {
	scope           string
	amounts, limits amounts
	windows         [2]int64
	known           amounts
}

// told is what the script answers of an account.
type told struct {
	windows        [2]int64
	used, reserved amounts
}

// badReply is an error that Redis has answered in numbers. It says nothing of whether Redis is there.
type badReply string

func (e badReply) Error() string { return string(e) }

// RedisError marks it as a reply, as go-redis marks those that it reads.
func (e badReply) RedisError() {}

// run does an operation. Nothing is repeated: a call that timed out may have been made.
func (b *Budget) run(ctx context.Context, o operation) (done bool, answers []told, err error) {
	keys, args := b.arguments(o)
	err = b.options.Redis.Do(ctx, "budget_"+o.name, func(ctx context.Context, client redis.UniversalClient) error {
		numbers, err := accountScript.EvalSha(ctx, client, keys, args...).Int64Slice()
		if redis.HasErrorPrefix(err, "NOSCRIPT") {
			numbers, err = accountScript.Eval(ctx, client, keys, args...).Int64Slice()
		}
		if err == nil && len(numbers) != 1+len(o.entries)*(2+2*counters) {
			err = badReply(fmt.Sprintf("%d numbers for %d accounts", len(numbers), len(o.entries)))
		}
		if err != nil {
			return err
		}
		done, answers = numbers[0] == 1, make([]told, len(o.entries))
		for i := range answers {
			of := numbers[1+i*(2+2*counters):]
			answers[i] = told{windows: [2]int64{of[0], of[1]}, used: amounts(of[2 : 2+counters]), reserved: amounts(of[2+counters : 2+2*counters])}
		}
		return nil
	})
	return done, answers, err
}

func (b *Budget) arguments(o operation) (keys []string, args []any) {
	lasts := lease
	if o.name == opCharge {
		keys, lasts = append(keys, b.key("charged", o.id)), chargedFor
	}
	enforced := 0
	if o.enforced {
		enforced = 1
	}
	args = append(args, o.name, o.id, lasts.Milliseconds(), enforced)
	zone := b.options.Config().Budgets.Location()
	now := b.options.Now().In(zone)
	for _, w := range []window{day, month} {
		for _, id := range w.near(now) {
			args = append(args, w.start(id, zone).UnixMilli(), id)
		}
	}
	for _, e := range o.entries {
		keys = append(keys, b.key("account", e.scope), b.key("leases", e.scope))
		for _, each := range []amounts{e.amounts, e.limits} {
			args = append(args, each[0], each[1], each[2])
		}
		args = append(args, e.windows[day], e.windows[month], e.known[0], e.known[1], e.known[2])
	}
	return keys, args
}

// key is rag:{<namespace>/<name>}:budget:<what>:<name>.
func (b *Budget) key(what, name string) string {
	return ratelimit.Prefix(b.options.Config().Service) + ":budget:" + what + ":" + url.QueryEscape(name)
}
