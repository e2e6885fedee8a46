/* A full disk, for the process that loads this before all else (LD_PRELOAD): as long as the file that FULL_DISK names is
   there, whatever would make a regular file longer fails with ENOSPC. Bytes that a file has already are written as ever,
   as on a real disk. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* Whether the file has no room to reach as far as this. */
static int full(int file, off_t end) {
    const char *mark = getenv("FULL_DISK");
    struct stat status;
    int before = errno;
    int is_full = mark && access(mark, F_OK) == 0 && fstat(file, &status) == 0 && S_ISREG(status.st_mode) &&
                  end > status.st_size;
    errno = is_full ? ENOSPC : before;
    return is_full;
}

/* Where write() would begin. */
static off_t place(int file) {
    int flags = fcntl(file, F_GETFL);
    return lseek(file, 0, flags != -1 && (flags & O_APPEND) ? SEEK_END : SEEK_CUR);
}

static off_t length(const struct iovec *parts, int count) {
    off_t sum = 0;
    for (int at = 0; at < count; at++) sum += (off_t)parts[at].iov_len;
    return sum;
}

#define REAL(name, type, ...) ((type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name))

ssize_t pwrite(int file, const void *bytes, size_t count, off_t at) {
    if (full(file, at + (off_t)count)) return -1;
    return REAL("pwrite", ssize_t, int, const void *, size_t, off_t)(file, bytes, count, at);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at) {
    return pwrite(file, bytes, count, at);
}

ssize_t pwritev(int file, const struct iovec *parts, int count, off_t at) {
    if (full(file, at + length(parts, count))) return -1;
    return REAL("pwritev", ssize_t, int, const struct iovec *, int, off_t)(file, parts, count, at);
}

ssize_t pwritev64(int file, const struct iovec *parts, int count, off64_t at) {
    return pwritev(file, parts, count, at);
}

ssize_t write(int file, const void *bytes, size_t count) {
    struct stat status;
    /* Only regular files have a place; asked first, as lseek would fail on others. */
    if (getenv("FULL_DISK") && fstat(file, &status) == 0 && S_ISREG(status.st_mode) &&
        full(file, place(file) + (off_t)count))
        return -1;
    return REAL("write", ssize_t, int, const void *, size_t)(file, bytes, count);
}

int posix_fallocate(int file, off_t at, off_t count) {
    if (full(file, at + count)) return ENOSPC;
    return REAL("posix_fallocate", int, int, off_t, off_t)(file, at, count);
}

int posix_fallocate64(int file, off64_t at, off64_t count) {
    return posix_fallocate(file, at, count);
}
