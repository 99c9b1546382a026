package config_test

import (
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
)

// TestZoneIsLoadedOnce: each question asks for it several times.
func TestZoneIsLoadedOnce(t *testing.T) {
	budgets := config.Budgets{TimeZone: "Europe/Berlin"}
	first := budgets.Location()
	if first.String() != "Europe/Berlin" || (config.Budgets{TimeZone: "America/Havana"}).Location().String() != "America/Havana" {
		t.Fatalf("the zone is %v", first)
	}
	if n := testing.AllocsPerRun(100, func() { budgets.Location() }); n > 0 {
		t.Errorf("asked again it allocates %g times", n)
	}
	if zone := (config.Budgets{TimeZone: "Nowhere/None"}).Location(); zone != time.UTC {
		t.Errorf("a zone that is none is %v", zone)
	}
}
