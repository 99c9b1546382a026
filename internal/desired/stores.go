package desired

import (
	"fmt"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/runtime/config"
)

// documentsIndex is the alias of the documents' index in a service's own OpenSearch.
const documentsIndex = "documents"

// Endpoint is the address of the server inside the cluster.
func Endpoint(rag *v1alpha1.RAGService) string { return "http://" + host(rag, ComponentServer) }

// host is the name in the cluster's DNS of a component's Service.
func host(rag *v1alpha1.RAGService, c Component) string {
	return fmt.Sprintf("%s.%s.svc", Name(rag.Name, c), rag.Namespace)
}

// stores are the addresses of the service's own stores.
func stores(rag *v1alpha1.RAGService) config.Stores {
	redis := func(c Component) config.RedisInstance {
		return config.RedisInstance{Address: fmt.Sprintf("%s:%d", host(rag, c), RedisPort)}
	}
	return config.Stores{
		OpenSearch: &config.OpenSearch{
			URLs:  []string{fmt.Sprintf("http://%s:%d", host(rag, ComponentOpenSearch), OpenSearchPort)},
			Index: documentsIndex,
		},
		Redis: &config.Redis{Cache: redis(ComponentRedisCache), State: redis(ComponentRedisState)},
	}
}
