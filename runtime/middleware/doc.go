// Package middleware is what a request passes before its handler, one concern a file; chain.go has the order.
package middleware
