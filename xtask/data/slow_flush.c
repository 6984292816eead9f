/* A disk whose flush takes longer, for benches: loaded with LD_PRELOAD.
 *
 * Each flush is done, and then takes WARD_FLUSH_US microseconds more; one at a time, as with a
 * device that has one cache to empty. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t device = PTHREAD_MUTEX_INITIALIZER;

static int flush(long call, int fd) {
    const char *text = getenv("WARD_FLUSH_US");
    long us = text == NULL ? 0 : atol(text);
    struct timespec more = {us / 1000000, us % 1000000 * 1000};
    pthread_mutex_lock(&device);
    int done = (int)syscall(call, fd);
    nanosleep(&more, NULL);
    pthread_mutex_unlock(&device);
    return done;
}

int fdatasync(int fd) { return flush(SYS_fdatasync, fd); }

int fsync(int fd) { return flush(SYS_fsync, fd); }
