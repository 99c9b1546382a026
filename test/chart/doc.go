// Package chart tests the Helm chart with helm itself: what its values make of it, and that a real API server takes it.
package chart
