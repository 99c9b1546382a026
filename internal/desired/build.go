package desired

import (
	"fmt"
	"maps"
	"slices"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/serverconfig"
)

// Build is every object that shall exist for in.Service. It fails only on values that the schema refuses, which means
// that it was bypassed; the error names the field.
func Build(in Inputs) (Plan, error) {
	addresses := stores(in.Service)
	settings, err := serverconfig.Build(in.Service, addresses)
	if err != nil {
		return Plan{}, fmt.Errorf("building the server's configuration: %w", err)
	}
	(build{Inputs: in}).keepCopies(&settings)
	yaml, err := serverconfig.Marshal(settings)
	if err != nil {
		return Plan{}, fmt.Errorf("writing the server's configuration: %w", err)
	}
	written, err := newServerConfig(yaml, settings)
	if err != nil {
		return Plan{}, err
	}
	withheld := withheld(in.Secrets.Problems)
	in.Secrets.RollHashes = rollHashes(in, withheld)
	b := build{in, written}
	components, err := b.components(withheld)
	if err != nil {
		return Plan{}, err
	}
	candidates, actions := generatedSecrets(in)
	return Plan{
		Generated:  candidates,
		Components: components,
		Actions:    actions,
		Withheld:   withheld,
		ConfigHash: written.hash,
		Replicas:   b.replicas(),
		Selector:   selectorString(in.Service.Name, ComponentServer),
		Endpoint:   endpoint(in.Service),
	}, nil
}

// generatedSecrets are those to make, and those whose owner or contents are to change.
func generatedSecrets(in Inputs) (candidates []GeneratedSecret, change []Action) {
	candidates = slices.Clone(in.Secrets.Candidates)
	for i := range candidates {
		candidates[i].GoesWithService = goesWithService(in.Service, candidates[i].Name)
	}
	for _, name := range slices.Sorted(maps.Keys(in.Secrets.Controlled)) {
		if goes := goesWithService(in.Service, name); goes != in.Secrets.Controlled[name] {
			change = append(change, OwnSecret{Name: name, GoesWithService: goes})
		}
	}
	for _, r := range in.Secrets.Rotations {
		change = append(change, r)
	}
	return candidates, change
}

// goesWithService holds for all generated Secrets but the keys of callers: these stay where the documents do, so that whoever
// makes the RAGService again finds both.
func goesWithService(rag *v1alpha1.RAGService, secret string) bool {
	return secret != APIKeysSecretName(rag) || rag.Spec.DeletionPolicy == v1alpha1.DeletionPolicyDelete
}

// build is what components are built from.
type build struct {
	Inputs
	config serverConfig
}

// components are the plans of all of them.
func (b build) components(withheld []Component) ([]ComponentPlan, error) {
	var plans []ComponentPlan
	for _, d := range descriptors() {
		plan, err := d.build(part{b.Service, d.name, b.Operator}, b)
		if err != nil {
			return nil, err
		}
		plan.Name = d.name
		if slices.Contains(withheld, d.name) {
			plan.Removal, plan.First = nil, nil
		}
		plans = append(plans, plan)
	}
	return plans, nil
}

// withheld are the components that the problems keep from being written: the server, which would start without a credential
// or with half of a configuration, and the stores that mount the Secret in question.
func withheld(problems []SecretProblem) []Component {
	var held []Component
	for _, problem := range problems {
		if problem.Withholds() {
			held = append(held, ComponentServer)
			held = append(held, problem.Stores...)
		}
	}
	slices.Sort(held)
	return slices.Compact(held)
}

// rollHashes are those of the Secrets. What is withheld keeps those that its pods have: a Secret that is gone is no reason to
// replace them.
func rollHashes(in Inputs, withheld []Component) map[Component]string {
	hashes := map[Component]string{}
	maps.Copy(hashes, in.Secrets.RollHashes)
	for _, c := range withheld {
		if had, ok := in.SecretsHashes[c]; ok {
			hashes[c] = had
		}
	}
	return hashes
}

func fieldError(field string, err error) error { return fmt.Errorf("%s: %w", field, err) }
