package apply

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/resourceversion"
)

// behindLimit bounds how long a cache is taken to be behind a write. It is behind for milliseconds; an etcd restored from a backup is
// behind for good.
const behindLimit = 10 * time.Second

// write is the last write of an object: of what, and the version that it made.
type write struct {
	hash, version string
	at            time.Time
}

func (a *Applier) remember(answer metav1.Object, r rendered) {
	a.written.Add(answer.GetUID(), write{r.hash, answer.GetResourceVersion(), time.Now()})
}

// showsEarlier says that the cache shows an object as it was before r was written to it. To write it again would change nothing, and
// would be told as a change.
func (a *Applier) showsEarlier(cached metav1.Object, r rendered) bool {
	known, _ := a.written.Get(cached.GetUID())
	last, ok := known.(write)
	if !ok || last.hash != r.hash || time.Since(last.at) > behindLimit {
		return false
	}
	order, err := resourceversion.CompareResourceVersion(cached.GetResourceVersion(), last.version)
	return err == nil && order < 0
}
