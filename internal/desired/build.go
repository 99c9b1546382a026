package desired

import (
	"fmt"
	"slices"

	"github.com/ragservice/ragservice-operator/internal/serverconfig"
)

// Build is every object that shall exist for in.Service. It fails only on values that the schema refuses, which means
// that it was bypassed; the error names the field.
func Build(in Inputs) (State, error) {
	addresses := stores(in.Service)
	settings, err := serverconfig.Build(in.Service, addresses)
	if err != nil {
		return State{}, fmt.Errorf("building the server's configuration: %w", err)
	}
	yaml, err := serverconfig.Marshal(settings)
	if err != nil {
		return State{}, fmt.Errorf("writing the server's configuration: %w", err)
	}
	written, err := newServerConfig(yaml, settings)
	if err != nil {
		return State{}, err
	}
	objects, err := components(in, written)
	if err != nil {
		return State{}, err
	}
	withheld := withheld(in.Secrets.Problems)
	return State{
		Generated: slices.Clone(in.Secrets.Candidates),
		Objects: slices.DeleteFunc(objects, func(o Object) bool {
			return slices.Contains(withheld, o.Component)
		}),
		Withheld:   withheld,
		ConfigHash: written.hash,
		Replicas:   serverconfig.Replicas(in.Service),
		Selector:   selectorString(in.Service.Name, ComponentServer),
		Endpoint:   Endpoint(in.Service),
	}, nil
}

// components are the objects of all of them: stores first, then what connects to them.
func components(in Inputs, written serverConfig) ([]Object, error) {
	redis, err := redis(in)
	if err != nil {
		return nil, err
	}
	openSearch, err := openSearch(in)
	if err != nil {
		return nil, err
	}
	return slices.Concat(redis, openSearch, server(in, written)), nil
}

// withheld are the components that the problems keep from being written: always the server, which would start without
// a credential or with half of a configuration, and the stores that mount the Secret in question.
func withheld(problems []SecretProblem) []Component {
	if len(problems) == 0 {
		return nil
	}
	held := []Component{ComponentServer}
	for _, problem := range problems {
		held = append(held, problem.Stores...)
	}
	slices.Sort(held)
	return slices.Compact(held)
}

func fieldError(field string, err error) error { return fmt.Errorf("%s: %w", field, err) }
