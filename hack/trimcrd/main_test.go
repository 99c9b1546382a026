package main

import "testing"

func TestTrim(t *testing.T) {
	t.Parallel()
	//nolint:dupword // a field may be named description
	const before = `---
properties:
  affinity:
    description: which nodes
    properties:
      description:
        description: a field of this name
        type: string
      nodeAffinity:
        description: gone
        type: object
    type: object
  image:
    description: stays
    type: string
`
	const after = `---
properties:
  affinity:
    description: which nodes
    properties:
      description:
        type: string
      nodeAffinity:
        type: object
    type: object
  image:
    description: stays
    type: string
`
	got, err := trim([]byte(before))
	if err != nil || string(got) != after {
		t.Errorf("got %v:\n%s", err, got)
	}
}
