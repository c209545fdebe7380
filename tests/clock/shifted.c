/* Preloaded, it shifts the wall clock of a program by SHIFT_SECONDS, and by what the file of the program's name in SHIFT_FOLDER says: eight
   octets, seconds, which somebody may change meanwhile. Monotonic clocks stay. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *step(void) {
    static const volatile int64_t none = 0;
    static const volatile int64_t *volatile kept = NULL;
    if (kept) return kept;
    const char *folder = getenv("SHIFT_FOLDER");
    const char *program = program_invocation_short_name;
    if (!folder) return kept = &none;
    if (!program || !*program) return &none;
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, program);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return kept = &none;
    void *mapped = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
    close(file);
    return kept = mapped == MAP_FAILED ? &none : (const volatile int64_t *)mapped;
}

static time_t shift(void) {
    const char *seconds = getenv("SHIFT_SECONDS");
    return (seconds ? (time_t)atoll(seconds) : 0) + (time_t)*step();
}

typedef int (*clock_reader)(clockid_t, struct timespec *);

/* The kernel itself while the library's is looked for: allocators ask for the time before anything could be found. */
static int ask_kernel(clockid_t clock, struct timespec *now) { return (int)syscall(SYS_clock_gettime, clock, now); }

static clock_reader reader(void) {
    static clock_reader kept = NULL;
    static int looking = 0;
    clock_reader found = __atomic_load_n(&kept, __ATOMIC_ACQUIRE);
    if (found) return found;
    if (__atomic_exchange_n(&looking, 1, __ATOMIC_ACQ_REL)) return ask_kernel;
    found = (clock_reader)dlsym(RTLD_NEXT, "clock_gettime");
    if (!found) found = ask_kernel;
    __atomic_store_n(&kept, found, __ATOMIC_RELEASE);
    return found;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = reader()(clock, now);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += shift();
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec precise;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &precise) != 0) return -1;
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *kept) {
    struct timespec precise;
    if (clock_gettime(CLOCK_REALTIME, &precise) != 0) return (time_t)-1;
    if (kept) *kept = precise.tv_sec;
    return precise.tv_sec;
}

typedef int (*condition_waiter)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);

/* Who waits until a moment of the shifted clock waits for that of the kernel's; moments of a monotonic clock are near its start. The
   library's function is looked for by its version: without it, the one of before 2003 would be found. */
int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex, const struct timespec *restrict until) {
    static condition_waiter kept = NULL;
    condition_waiter found = __atomic_load_n(&kept, __ATOMIC_ACQUIRE);
    if (!found) found = (condition_waiter)dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
    if (!found) found = (condition_waiter)dlsym(RTLD_NEXT, "pthread_cond_timedwait");
    if (!found) return EINVAL;
    __atomic_store_n(&kept, found, __ATOMIC_RELEASE);
    struct timespec moment = *until;
    if (moment.tv_sec > 1000000000) moment.tv_sec -= shift();
    return found(condition, mutex, &moment);
}
