// Package middleware is what a request passes before its handler, one concern a file; order.go has the order.
package middleware
