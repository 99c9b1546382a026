package dashboards

import (
	"math"
	"strconv"
)

// amount is a value as Grafana writes it.
func amount(v float64, unit string) string {
	switch unit {
	case "percentunit":
		return digits(v*100) + "%"
	case "s":
		return seconds(v)
	case "bytes":
		return scaled(v, 1024, []string{" B", " KiB", " MiB", " GiB", " TiB"})
	case "Bps":
		return scaled(v, 1000, []string{" B/s", " kB/s", " MB/s", " GB/s"})
	case "currencyUSD":
		return "$" + digits(v)
	case "reqps":
		return digits(v) + " req/s"
	case "ops":
		return digits(v) + " /s"
	default:
		return scaled(v, 1000, []string{"", " K", " Mil", " Bil"})
	}
}

func seconds(v float64) string {
	switch {
	case v == 0:
		return "0 s"
	case v < 0.001:
		return digits(v*1e6) + " µs"
	case v < 1:
		return digits(v*1000) + " ms"
	case v < 120:
		return digits(v) + " s"
	case v < 7200:
		return digits(v/60) + " min"
	default:
		return digits(v/3600) + " h"
	}
}

func scaled(v, by float64, units []string) string {
	i := 0
	for math.Abs(v) >= by && i < len(units)-1 {
		v, i = v/by, i+1
	}
	return digits(v) + units[i]
}

// digits has three that count.
func digits(v float64) string {
	if v == 0 {
		return "0"
	}
	decimals := max(0, 2-int(math.Floor(math.Log10(math.Abs(v)))))
	return strconv.FormatFloat(math.Round(v*math.Pow10(decimals))/math.Pow10(decimals), 'f', -1, 64)
}
