// Package dashboards runs every query of every panel of the dashboards against a real Prometheus that has scraped two real servers under load,
// and the real operator. With -pictures it loads them for longer, and draws each dashboard from what Prometheus answers.
package dashboards
