// Moves the clock of the program that this is loaded into: by the seconds in the first 8 bytes of the file that CLOCK_FILE names.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

static volatile int64_t *offset;

__attribute__((constructor)) static void open_offset(void) {
	int file = open(getenv("CLOCK_FILE"), O_RDONLY);
	void *memory = mmap(NULL, sizeof *offset, PROT_READ, MAP_SHARED, file, 0);
	if (memory == MAP_FAILED)
		abort();
	offset = memory;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
	int failed = syscall(SYS_gettimeofday, now, zone);
	if (!failed && offset)
		now->tv_sec += *offset;
	return failed;
}
