// Package models holds the generators that write answers: a client of servers with the OpenAI API, and one that needs
// no model.
package models
