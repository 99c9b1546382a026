package main

import (
	"errors"
	"regexp"
	"strings"

	"github.com/ragservice/ragservice-operator/internal/desired"
)

// registryForm is a host, its port, and folders below it.
var registryForm = regexp.MustCompile(`^[a-zA-Z0-9][-a-zA-Z0-9.]*(:[0-9]{1,5})?(/[a-z0-9][-a-z0-9._]*)*$`)

var errRegistry = errors.New("must be a registry, with folders or without, such as registry.example.com/mirror")

// fromRegistry is images of the same names in another registry. Images that a RAGService names stay as they are.
func fromRegistry(registry string, images desired.Images) desired.Images {
	if registry == "" {
		return images
	}
	return desired.Images{
		Server: moved(images.Server, registry), Redis: moved(images.Redis, registry), OpenSearch: moved(images.OpenSearch, registry),
	}
}

// moved is image in another registry. As container runtimes see it, the first part of a name is a registry when it has a dot or
// a port or is localhost.
func moved(image, registry string) string {
	host, name, found := strings.Cut(image, "/")
	if !found || !strings.ContainsAny(host, ".:") && host != "localhost" {
		name = image
	}
	return registry + "/" + name
}
