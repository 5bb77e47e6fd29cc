/* Preloaded into Redis: its clock is wrong by the number of seconds in the file that WRONG_CLOCK names, at any time. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *wrong_by;

__attribute__((constructor)) static void open_file(void) {
  const char *path = getenv("WRONG_CLOCK");
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return;
  void *found = mmap(NULL, sizeof *wrong_by, PROT_READ, MAP_SHARED, file, 0);
  if (found != MAP_FAILED) wrong_by = found;
  close(file);
}

static struct timespec read_clock(void) {
  struct timespec now;
  syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
  if (wrong_by) now.tv_sec += *wrong_by;
  return now;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  (void)zone;
  struct timespec read = read_clock();
  *now = (struct timeval){.tv_sec = read.tv_sec, .tv_usec = read.tv_nsec / 1000};
  return 0;
}

time_t time(time_t *now) {
  time_t seconds = read_clock().tv_sec;
  if (now) *now = seconds;
  return seconds;
}
