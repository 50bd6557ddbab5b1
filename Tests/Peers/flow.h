// SPDX-License-Identifier: Apache-2.0
/*
 * What every client here shares: the flows under way, their count, the times, the report.
 *
 * A flow is a case that is submitted and visits five offices. It is submitted once the peer has
 * said that this is kept, and has made a hop once the peer has said that leaving one office and
 * entering the next is kept. Its message begins with its serial number, 8 bytes, big-endian. One
 * process submits and works, as `barid bench flow` does.
 */
#ifndef FLOW_H
#define FLOW_H

#include <endian.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { OFFICES = 5, SUBMITTED = 1 << 0, DRAIN_SECONDS = 15 };

/* One flow, by its serial number from 1 on. */
struct flow {
    uint64_t begun_at;   /* nanoseconds, monotonic */
    uint8_t delivered;   /* bit n: delivered at office n */
    uint8_t settled;     /* bit n: settled at office n; bit 0: the submission is kept */
};

static struct {
    uint64_t window, size, lanes;
    double seconds;
    const char *at, *kind;         /* where the peer listens; what is asked of it */
    struct flow *flows;
    uint64_t room, last, done;     /* flows there is memory for, begun, ended */
    uint64_t hops, duplicated, refused;
    uint64_t start, end, touched;  /* nanoseconds, monotonic */
    uint32_t *submit_us;
    uint64_t submit_count, submit_room;
    uint8_t *body;
} F;

__attribute__((noreturn, format(printf, 1, 2), unused))
static void fail(const char *format, ...) {
    va_list list;
    va_start(list, format);
    vfprintf(stderr, format, list);
    fputc('\n', stderr);
    exit(1);
}

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

__attribute__((unused))
static void *grown(void *memory, size_t bytes) {
    memory = realloc(memory, bytes);
    if (!memory) fail("no memory for %zu bytes", bytes);
    return memory;
}

/* Reads AT KIND WINDOW SIZE SECONDS LANES. */
static void flow_open(int count, char **words) {
    if (count != 7) fail("usage: %s AT KIND WINDOW SIZE SECONDS LANES", words[0]);
    F.at = words[1];
    F.kind = words[2];
    F.window = strtoull(words[3], NULL, 10);
    F.size = strtoull(words[4], NULL, 10);
    F.seconds = strtod(words[5], NULL);
    F.lanes = strtoull(words[6], NULL, 10);
    if (F.window < 1 || F.window > 5000) fail("the window must be 1 to 5000");
    if (F.size < 8 || F.size > 1048576) fail("the size must be 8 to 1048576 bytes");
    if (F.lanes < 1 || F.lanes > 16) fail("the lanes must be 1 to 16");
    F.body = grown(NULL, F.size);
    memset(F.body, 'x', F.size);
}

__attribute__((unused))
static void flow_start(void) {
    F.start = F.touched = now();
    F.end = F.start + (uint64_t)(F.seconds * 1e9);
}

/* How many flows may begin now. */
static uint64_t flow_due(void) {
    uint64_t under_way = F.last - F.done;
    return now() < F.end && under_way < F.window ? F.window - under_way : 0;
}

/* Begins a flow; its serial number, which `F.body` then begins with. */
static uint64_t flow_begin(void) {
    if (F.last + 2 > F.room) {
        F.room = F.room ? F.room * 2 : 65536;
        F.flows = grown(F.flows, F.room * sizeof *F.flows);
    }
    F.last += 1;
    F.flows[F.last] = (struct flow){ .begun_at = now() };
    uint64_t serial = htobe64(F.last);
    memcpy(F.body, &serial, 8);
    return F.last;
}

static struct flow *flow_at(uint64_t serial) {
    if (serial < 1 || serial > F.last) fail("flow %lu never began", serial);
    return &F.flows[serial];
}

static void flow_mark(uint64_t serial, int bit) {
    struct flow *flow = flow_at(serial);
    F.touched = now();
    if (flow->settled & (1 << bit)) {
        F.duplicated += 1;
        return;
    }
    flow->settled |= (uint8_t)(1 << bit);
    if (flow->settled == (1 << (OFFICES + 1)) - 1) F.done += 1;
}

/* The peer has said that the submission is kept. */
static void flow_kept(uint64_t serial) {
    uint64_t microseconds = (now() - flow_at(serial)->begun_at) / 1000;
    if (F.submit_count == F.submit_room) {
        F.submit_room = F.submit_room ? F.submit_room * 2 : 65536;
        F.submit_us = grown(F.submit_us, F.submit_room * sizeof *F.submit_us);
    }
    F.submit_us[F.submit_count++] = microseconds > UINT32_MAX ? UINT32_MAX : (uint32_t)microseconds;
    flow_mark(serial, 0);
}

/* The message of `bytes` has come to an office, 1 to OFFICES; its serial number. */
static uint64_t flow_delivered(const void *bytes, size_t size, int office) {
    uint64_t serial;
    if (size != F.size) fail("a message of %zu bytes came as %zu", (size_t)F.size, size);
    memcpy(&serial, bytes, 8);
    serial = be64toh(serial);
    struct flow *flow = flow_at(serial);
    if (flow->delivered & (1 << office)) F.duplicated += 1;
    flow->delivered |= (uint8_t)(1 << office);
    return serial;
}

/* The peer has said that the case has left this office and is at the next, or at its end. */
static void flow_settled(uint64_t serial, int office) {
    F.hops += 1;
    flow_mark(serial, office);
}

/* Whether there is still something to do; false too if the rest did not come to its end in time. */
__attribute__((unused))
static bool flow_goes_on(void) {
    uint64_t time = now();
    return time < F.end || (F.done < F.last && time < F.end + DRAIN_SECONDS * 1000000000ull);
}

static int flow_order(const void *one, const void *other) {
    uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)other;
    return a < b ? -1 : a > b;
}

/* Prints one line of JSON. `left` is what the peer still has of these flows once all have ended. */
static int flow_report(uint64_t left) {
    double seconds = (double)(F.touched - F.start) / 1e9;
    uint64_t lost = F.last - F.done;
    qsort(F.submit_us, F.submit_count, sizeof *F.submit_us, flow_order);
    uint64_t n = F.submit_count;
    printf("{\"hops_per_s\":%.0f,\"hops\":%lu,\"flows\":%lu,\"seconds\":%.3f,"
           "\"submit_us\":{\"p50\":%u,\"p99\":%u,\"max\":%u},"
           "\"lost\":%lu,\"duplicated\":%lu,\"refused\":%lu,\"left\":%lu}\n",
           (double)F.hops / seconds, F.hops, F.done, seconds,
           n ? F.submit_us[n / 2] : 0, n ? F.submit_us[(n - 1) * 99 / 100] : 0,
           n ? F.submit_us[n - 1] : 0, lost, F.duplicated, F.refused, left);
    return lost || F.duplicated || F.refused || left ? 1 : 0;
}

#endif
