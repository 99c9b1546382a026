// OpenSearch starts as a node that others can reach only where its process may open 65,535 files. Container engines allow that; on a
// machine that does not, and whose root may not raise the limit, a test cluster could have no more than one node. There this library,
// loaded before Java, tells it of the limit that OpenSearch asks for. The true one stands: a node with more files than that fails.
#define _GNU_SOURCE
#include <sys/resource.h>

#define WANTED 65536

int getrlimit64(__rlimit_resource_t resource, struct rlimit64 *limit) {
  int failed = prlimit64(0, resource, 0, limit);
  if (!failed && resource == RLIMIT_NOFILE && limit->rlim_max < WANTED) {
    limit->rlim_cur = limit->rlim_max = WANTED;
  }
  return failed;
}

int getrlimit(__rlimit_resource_t resource, struct rlimit *limit) {
  return getrlimit64(resource, (struct rlimit64 *)limit); // the same on 64-bit machines
}
