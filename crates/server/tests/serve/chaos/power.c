/* Power loss, for a process that is killed: what it wrote and did not sync can be taken back.
 *
 * Loaded before libc (LD_PRELOAD). Before a write to a file under POWER_DIR, what was there is noted in POWER_UNDO, one file per file
 * written; a sync that succeeded empties it. After the kill, whoever plays the power loss writes back what is noted, newest first.
 * A record: offset, size of the file before, length of what was there, and that.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);

/* Another library's constructor may write before ours is called. */
static void begin(void) {
    if (real_fdatasync) return;
    real_write = dlsym(RTLD_NEXT, "write");
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
}

/* Opens the notes of a file that is watched; -1 for others. */
static int notes_of(int fd) {
    const char *dir = getenv("POWER_DIR"), *undo = getenv("POWER_UNDO");
    if (!dir || !undo) return -1;
    char link[64], path[4096], notes[8192];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n <= 0) return -1;
    path[n] = 0;
    size_t length = strlen(dir);
    if (strncmp(path, dir, length) || path[length] != '/') return -1;
    const char *name = strrchr(path, '/') + 1;
    snprintf(notes, sizeof notes, "%s/%s", undo, name);
    return open(notes, O_CREAT | O_WRONLY | O_APPEND, 0600);
}

static void note(int fd, off_t at, size_t count) {
    int notes = notes_of(fd);
    if (notes < 0) return;
    struct stat is;
    if (fstat(fd, &is) == 0 && S_ISREG(is.st_mode)) {
        off_t there = is.st_size > at ? is.st_size - at : 0;
        if ((off_t)count < there) there = count;
        char *record = malloc(24 + there);
        uint64_t head[3] = {at, is.st_size, there};
        memcpy(record, head, 24);
        /* The file may be open for writing only. */
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        int reader = open(link, O_RDONLY);
        if (there > 0 && pread(reader, record + 24, there, at) != there) abort();
        if (reader >= 0) close(reader);
        if (real_write(notes, record, 24 + there) != 24 + there) abort();
        free(record);
    }
    close(notes);
}

/* A sync takes its time, as on a medium that moves. */
static void take_time(int fd) {
    int notes = notes_of(fd);
    if (notes < 0) return;
    close(notes);
    usleep(6000);
}

static void synced(int fd) {
    int notes = notes_of(fd);
    if (notes < 0) return;
    if (real_ftruncate(notes, 0) != 0) abort();
    close(notes);
}

ssize_t write(int fd, const void *bytes, size_t count) {
    pthread_mutex_lock(&turn);
    begin();
    off_t at = lseek(fd, 0, SEEK_CUR);
    if (at >= 0) note(fd, at, count);
    ssize_t done = real_write(fd, bytes, count);
    pthread_mutex_unlock(&turn);
    return done;
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
    pthread_mutex_lock(&turn);
    begin();
    note(fd, at, count);
    ssize_t done = real_pwrite(fd, bytes, count, at);
    pthread_mutex_unlock(&turn);
    return done;
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t at) { return pwrite(fd, bytes, count, at); }

int ftruncate(int fd, off_t to) {
    pthread_mutex_lock(&turn);
    begin();
    struct stat is;
    if (fstat(fd, &is) == 0 && is.st_size > to) note(fd, to, is.st_size - to);
    int done = real_ftruncate(fd, to);
    pthread_mutex_unlock(&turn);
    return done;
}

int ftruncate64(int fd, off_t to) { return ftruncate(fd, to); }

int fsync(int fd) {
    take_time(fd);
    pthread_mutex_lock(&turn);
    begin();
    int done = real_fsync(fd);
    if (done == 0) synced(fd);
    pthread_mutex_unlock(&turn);
    return done;
}

int fdatasync(int fd) {
    take_time(fd);
    pthread_mutex_lock(&turn);
    begin();
    int done = real_fdatasync(fd);
    if (done == 0) synced(fd);
    pthread_mutex_unlock(&turn);
    return done;
}
