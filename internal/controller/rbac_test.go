package controller_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/endpoints/request"
	"sigs.k8s.io/yaml"
)

// used are the verbs that operators of all tests here have used, by resource.
var used = struct {
	sync.Mutex
	verbs map[string]sets.Set[string]
}{verbs: map[string]sets.Set[string]{}}

var requestInfos = request.RequestInfoFactory{
	APIPrefixes: sets.NewString("api", "apis"), GrouplessAPIPrefixes: sets.NewString("api"),
}

// noteUse is told of each request of an operator.
func noteUse(r *http.Request) {
	info, err := requestInfos.NewRequestInfo(r)
	if err != nil || !info.IsResourceRequest {
		return
	}
	resource := resourceName(info.APIGroup, info.Resource, info.Subresource)
	used.Lock()
	defer used.Unlock()
	if used.verbs[resource] == nil {
		used.verbs[resource] = sets.New[string]()
	}
	used.verbs[resource].Insert(info.Verb)
}

func resourceName(group, resource, subresource string) string {
	if subresource != "" {
		resource += "/" + subresource
	}
	if group != "" {
		resource += "." + group
	}
	return resource
}

// unseen says why the operator needs a right that no request shows.
func unseen(verb, resource string) bool {
	switch {
	case verb == "create" && resource != "secrets" && resource != "events.events.k8s.io":
		return true // the API server asks for it when an apply, which is a PATCH, makes the object
	case verb == "list":
		return true // client-go falls back to it where the API server cannot send a list by a watch
	case verb == "update" && resource == "ragservices/finalizers.ragservice.dev":
		return true // OpenShift asks for it before it takes an owner reference that blocks a deletion
	default:
		return verb == "patch" && resource == "events.events.k8s.io" // an event that repeats itself within minutes
	}
}

// unusedRights prints what the role grants beside what all tests of the package have used, and returns what none has.
func unusedRights() ([]string, error) {
	text, err := os.ReadFile("../../config/rbac/role.yaml")
	if err != nil {
		return nil, err
	}
	var role rbacv1.ClusterRole
	if err := yaml.UnmarshalStrict(text, &role); err != nil {
		return nil, err
	}
	var unused []string
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "RESOURCE\tGRANTED\tUSED")
	for _, rule := range role.Rules {
		for _, group := range rule.APIGroups {
			for _, name := range rule.Resources {
				resource := resourceName(group, name, "")
				verbs := used.verbs[resource]
				_, _ = fmt.Fprintf(table, "%s\t%s\t%s\n", resource, strings.Join(rule.Verbs, " "), strings.Join(sets.List(verbs), " "))
				for _, verb := range rule.Verbs {
					if !verbs.Has(verb) && !unseen(verb, resource) {
						unused = append(unused, verb+" "+resource)
					}
				}
			}
		}
	}
	slices.Sort(unused)
	return unused, table.Flush()
}

// checkRights fails the package for rights that none of its tests needed. A part of the tests says nothing.
func checkRights(code int) int {
	if code != 0 || flag.Lookup("test.run").Value.String() != "" || flag.Lookup("test.list").Value.String() != "" || flag.Lookup("test.bench").Value.String() != "" {
		return code
	}
	unused, err := unusedRights()
	if err != nil || len(unused) > 0 {
		fmt.Printf("FAIL: the role grants what no test shows in use: %s %v\n", strings.Join(unused, ", "), err)
		return 1
	}
	return 0
}
