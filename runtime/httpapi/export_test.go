package httpapi

import (
	"strconv"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// Statuses is the mapper's table, with what is not in it.
func Statuses() map[string]string {
	table := map[string]string{rag.ErrRAG.Code: "500"}
	for code, status := range statuses {
		table[code] = strconv.Itoa(status)
	}
	return table
}

// Routes are the methods and paths of the API.
func Routes() []string {
	var routes []string
	for _, rt := range (&API{}).routes() {
		routes = append(routes, rt.method+" "+rt.path)
	}
	return routes
}
