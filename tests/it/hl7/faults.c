/* A disk and a machine that fail when a test says so. Loaded into Ward with LD_PRELOAD.
 *
 * WARD_TEST_FAULTS names a folder; WARD_TEST_DATA the folder whose files fail. In the former:
 *   flush    the next flush of a write-ahead log fails with EIO, once
 *   write    while this file is there, every write to a data file fails with the number in it
 *   answer   before the next acknowledgment leaves, it is written to `unsent` and Ward is killed
 *   log      what was opened, flushed and closed, for the test to read
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *in_faults(char *path, size_t size, const char *name) {
    const char *folder = getenv("WARD_TEST_FAULTS");
    if (folder == NULL) return NULL;
    snprintf(path, size, "%s/%s", folder, name);
    return path;
}

static long put(const char *name, int flags, const void *bytes, size_t n) {
    char path[4096];
    if (in_faults(path, sizeof path, name) == NULL) return -1;
    long fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | flags, 0600);
    if (fd < 0) return -1;
    long written = syscall(SYS_write, fd, bytes, n);
    syscall(SYS_close, fd);
    return written;
}

static void note(const char *word, int fd) {
    char line[64];
    int n = snprintf(line, sizeof line, "%s %d\n", word, fd);
    put("log", O_APPEND, line, (size_t)n);
}

/* Whether a descriptor is a file of the data folder; `end` is how its name has to end. */
static int is_data(int fd, const char *end) {
    const char *data = getenv("WARD_TEST_DATA");
    char link[64], path[4096];
    if (data == NULL) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    long n = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    if (n <= 0) return 0;
    path[n] = 0;
    size_t e = strlen(end);
    return strncmp(path, data, strlen(data)) == 0 && e <= (size_t)n &&
           strcmp(path + n - e, end) == 0;
}

static int flush_fails(int fd, const char *word) {
    char path[4096];
    if (!is_data(fd, "-wal")) return 0;
    if (in_faults(path, sizeof path, "flush") != NULL && syscall(SYS_unlink, path) == 0) {
        note("failed", fd);
        errno = EIO;
        return 1;
    }
    note(word, fd);
    return 0;
}

int fdatasync(int fd) {
    if (flush_fails(fd, "flushed")) return -1;
    return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd) {
    if (flush_fails(fd, "flushed")) return -1;
    return (int)syscall(SYS_fsync, fd);
}

static int write_fails(int fd) {
    char path[4096], text[16] = {0};
    if (in_faults(path, sizeof path, "write") == NULL) return 0;
    long fault = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY, 0);
    if (fault < 0) return 0;
    syscall(SYS_read, fault, text, sizeof text - 1);
    syscall(SYS_close, fault);
    if (!is_data(fd, "")) return 0;
    errno = atoi(text);
    return 1;
}

ssize_t write(int fd, const void *bytes, size_t n) {
    return write_fails(fd) ? -1 : syscall(SYS_write, fd, bytes, n);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at) {
    return write_fails(fd) ? -1 : syscall(SYS_pwrite64, fd, bytes, n, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at) {
    return write_fails(fd) ? -1 : syscall(SYS_pwrite64, fd, bytes, n, at);
}

static int opened(long fd) {
    if (fd < 0) {
        errno = (int)-fd;
        return -1;
    }
    if (is_data((int)fd, "-wal")) note("opened", (int)fd);
    return (int)fd;
}

static int open_any(const char *path, int flags, mode_t mode) {
    long fd = syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    return opened(fd < 0 ? -errno : fd);
}

int open(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    return open_any(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    return open_any(path, flags | O_LARGEFILE, mode);
}

ssize_t send(int fd, const void *bytes, size_t n, int flags) {
    char path[4096];
    if (0 < n && *(const char *)bytes == 0x0b && in_faults(path, sizeof path, "answer") != NULL &&
        syscall(SYS_unlink, path) == 0) {
        put("unsent", O_TRUNC, bytes, n);
        kill(getpid(), SIGKILL);
    }
    return syscall(SYS_sendto, fd, bytes, n, flags, NULL, 0);
}
