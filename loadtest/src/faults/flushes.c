/* Preloaded into Redis: notes how much of its append-only file is on disk, and delays flushes. What is not on disk is lost
   in a power cut. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static volatile struct {
  int64_t delay_us;
  int64_t inode;
  int64_t flushed;
} *flushes;

__attribute__((constructor)) static void open_the_file(void) {
  const char *path = getenv("FLUSHES");
  int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (file < 0) return;
  void *found = mmap(NULL, sizeof *flushes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (found != MAP_FAILED) flushes = found;
  close(file);
}

static int is_append_only(int file) {
  static const char end[] = ".incr.aof";
  char link[32], name[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, name, sizeof name);
  ssize_t of_end = sizeof end - 1;
  return length > of_end && !memcmp(name + length - of_end, end, of_end);
}

int fdatasync(int file) {
  struct stat before;
  int counts = flushes && is_append_only(file) && !fstat(file, &before);
  if (counts && flushes->delay_us > 0) usleep(flushes->delay_us);
  int failed = (int)syscall(SYS_fdatasync, file);
  if (counts && !failed) {
    flushes->inode = before.st_ino;
    flushes->flushed = before.st_size;
  }
  return failed;
}
