// SPDX-License-Identifier: Apache-2.0

// libzmq accepts and shakes hands on the thread that carries everybody's bytes, as fast as peers
// knock. The name accept4 in the executable goes before that of the C library, for libzmq's calls
// too (ld.so(8)): here they are delayed where the pace is exceeded, and handed to the system
// otherwise.

#define _GNU_SOURCE
#include "accept.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { listeners_max = 64 };

/// Nanoseconds from one connection to the next.
static const int64_t interval = 5000000;
/// Connections that may come at once after a pause.
static const int64_t burst = 4;
/// Nanoseconds that a caller is held up who comes too early: a poller that tells of a waiting
/// connection again and again does not keep the processor busy, and bytes of others wait no longer.
static const long rest = 50000;
/// Nanoseconds without a further attempt once descriptors have run out.
static const int64_t shortage_pause = 20000000;

/// Descriptors plus 1; 0 is a free place.
static _Atomic int listeners[listeners_max];
static _Atomic bool fell_short;
/// When this thread may accept again at a steady pace; a burst runs ahead of it.
static _Thread_local int64_t due;

static void replace(int old, int new) {
    for (int place = 0; place < listeners_max; place++) {
        int expected = old;
        if (atomic_compare_exchange_strong(&listeners[place], &expected, new)) return;
    }
}

void barid_pace(int listener) { replace(0, listener + 1); }

void barid_unpace(int listener) { replace(listener + 1, 0); }

bool barid_accept_fell_short(void) { return atomic_exchange(&fell_short, false); }

static bool is_paced(int listener) {
    for (int place = 0; place < listeners_max; place++)
        if (atomic_load_explicit(&listeners[place], memory_order_relaxed) == listener + 1)
            return true;
    return false;
}

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

/// accept4(2), at the pace of its listener: EAGAIN where it is exceeded.
int accept4(int listener, struct sockaddr *address, socklen_t *size, int flags) {
    if (!is_paced(listener)) return syscall(SYS_accept4, listener, address, size, flags);
    int64_t time = now();
    if (due < time - (burst - 1) * interval) due = time - (burst - 1) * interval;
    if (due > time) {
        nanosleep(&(struct timespec){.tv_nsec = rest}, NULL);
        errno = EAGAIN;
        return -1;
    }
    int descriptor = syscall(SYS_accept4, listener, address, size, flags);
    if (descriptor >= 0) {
        due += interval;
    } else if (errno == EMFILE || errno == ENFILE) {
        due = time + shortage_pause;
        atomic_store(&fell_short, true);
    }
    return descriptor;
}
