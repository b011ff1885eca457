/* Writing calls below one folder, of which one fails or ends the process: for LD_PRELOAD.

   Whatever a process writes goes through these, Python's own files and those of libraries in other languages. Nothing
   is counted until `faults_arm`. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { CRASH = -1 };

static char below[PATH_MAX];
static size_t length;
static long seen, chosen;
static int kind, forever, said = -1;

/* From here on the call number `which` (from 1) below `folder` fails with `error`, or ends the process (-1): a write
   in its midst. `from_then_on`: so do all calls after it. The name of each call goes to the descriptor `log`. */
void faults_arm(const char *folder, long which, int error, int from_then_on, int log) {
    length = strlen(strcpy(below, folder));
    seen = 0, chosen = which, kind = error, forever = from_then_on, said = log;
}

static int inside(const char *path) {
    char whole[PATH_MAX];
    if (!length || !path) return 0;
    if (path[0] != '/') {
        if (!getcwd(whole, sizeof whole / 2)) return 0;
        strcat(whole, "/");
        strncat(whole, path, sizeof whole / 2 - 2);
        path = whole;
    }
    return !strncmp(path, below, length) && (path[length] == '/' || !path[length]);
}

static int inside_fd(int fd) {
    char name[64], path[PATH_MAX];
    if (!length) return 0;
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(name, path, sizeof path - 1);
    if (n < 0) return 0;
    path[n] = 0;
    return inside(path);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* Whether this call, which is below the folder, is the one. */
static int struck(const char *name) {
    seen++;
    if (said >= 0) dprintf(said, "%s\n", name);
    if (seen != chosen && !(forever && chosen && seen > chosen)) return 0;
    if (kind != CRASH) errno = kind;
    return 1;
}

static void end(void) { _exit(137); }

ssize_t write(int fd, const void *bytes, size_t n) {
    if (fd != said && inside_fd(fd) && struck("write")) {
        if (kind != CRASH) return -1;
        REAL(write)(fd, bytes, n / 2);
        end();
    }
    return REAL(write)(fd, bytes, n);
}

ssize_t writev(int fd, const struct iovec *parts, int n) {
    if (inside_fd(fd) && struck("write")) {
        if (kind != CRASH) return -1;
        REAL(writev)(fd, parts, n / 2);
        end();
    }
    return REAL(writev)(fd, parts, n);
}

size_t fwrite(const void *bytes, size_t size, size_t n, FILE *file) {
    if (length && inside_fd(fileno(file)) && struck("write")) {
        if (kind != CRASH) return 0;
        REAL(fwrite)(bytes, size, n / 2, file);
        fflush(file);
        end();
    }
    return REAL(fwrite)(bytes, size, n, file);
}

int fsync(int fd) {
    if (inside_fd(fd) && struck("fsync")) {
        if (kind != CRASH) return -1;
        end();
    }
    return REAL(fsync)(fd);
}

int rename(const char *from, const char *to) {
    if (inside(to) && struck("rename")) {
        if (kind != CRASH) return -1;
        end();
    }
    return REAL(rename)(from, to);
}

int mkdir(const char *path, mode_t mode) {
    if (inside(path) && struck("mkdir")) {
        if (kind != CRASH) return -1;
        end();
    }
    return REAL(mkdir)(path, mode);
}

static int opened(const char *path, int flags) {
    if (!(flags & O_CREAT) || !inside(path) || !struck("create")) return 0;
    if (kind == CRASH) end();
    return 1;
}

#define OPEN(name)                                             \
    int name(const char *path, int flags, ...) {               \
        va_list more;                                          \
        va_start(more, flags);                                 \
        mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0; \
        va_end(more);                                          \
        return opened(path, flags) ? -1 : REAL(name)(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)
