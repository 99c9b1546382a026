package middleware

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func TestFailuresOfANetwork(t *testing.T) {
	var f failures
	one, other := netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("192.0.2.2/32")
	for i := range failuresPerMinute {
		if _, tooMany := f.add(one, start.Add(time.Duration(i)*time.Second)); tooMany {
			t.Fatalf("failure %d is too many", i)
		}
	}
	if wait, tooMany := f.add(one, start.Add(40*time.Second)); !tooMany || wait != 20*time.Second {
		t.Errorf("too many %v, wait %s", tooMany, wait)
	}
	if _, tooMany := f.add(other, start.Add(40*time.Second)); tooMany {
		t.Error("one network pays for another")
	}
	if _, tooMany := f.add(one, start.Add(time.Minute)); tooMany {
		t.Error("the next minute does not begin anew")
	}
}

// TestFailuresInAnyMinute: the minute slides, so that no two minutes meet in a burst of twice as many.
func TestFailuresInAnyMinute(t *testing.T) {
	var f failures
	network := netip.MustParsePrefix("192.0.2.1/32")
	heard := 0
	for second := 50; second < 110; second++ {
		if _, tooMany := f.add(network, start.Add(time.Duration(second)*time.Second)); !tooMany {
			heard++
		}
	}
	if heard != failuresPerMinute {
		t.Errorf("%d failures were heard in a minute", heard)
	}
}

func TestFailuresAreBounded(t *testing.T) {
	var f failures
	for i := range 3 * maxNetworks {
		f.add(netip.PrefixFrom(netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, uint32(i)))), 32), start)
	}
	if len(f.recent) > maxNetworks+1 {
		t.Errorf("%d networks are remembered", len(f.recent))
	}
	if _, tooMany := f.add(netip.MustParsePrefix("203.0.113.1/32"), start); !tooMany {
		t.Error("networks beyond the bound are not limited")
	}
	f.add(netip.MustParsePrefix("203.0.113.1/32"), start.Add(2*failuresWindow))
	if len(f.recent) != 1 {
		t.Errorf("%d networks are remembered after their minute", len(f.recent))
	}
}
