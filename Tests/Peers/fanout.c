// SPDX-License-Identifier: Apache-2.0
/*
 * Fan-out: one connection publishes, others hear it, as `barid bench fanout` does: a thread
 * publishes and never runs further ahead of the slowest subscriber than the window, another reads
 * for them all. Each body begins with its number, so what is lost or told twice is seen.
 * KIND: `nats`, `redis` or `zeromq`; LANES are the subscribers. `fanout serve IN OUT` is the bare
 * broker: what is published at IN is heard at OUT, through one XSUB and one XPUB socket.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <zmq.h>

#include "stream.h"

static _Atomic uint64_t slowest, delivered;
static _Atomic int ready;
static _Atomic bool is_over;
static uint64_t heard[16], lost, twice;
static void *context;

static void hear(int reader, const uint8_t *body, size_t size) {
    uint64_t number;
    if (size != F.size) fail("an event of %zu bytes came as %zu", (size_t)F.size, size);
    memcpy(&number, body, 8);
    if (number <= heard[reader]) twice += 1;
    else lost += number - heard[reader] - 1;
    heard[reader] = number;
    delivered += 1;
}

static void tell(void) {
    uint64_t least = heard[0];
    for (uint64_t i = 1; i < F.lanes; i++) if (heard[i] < least) least = heard[i];
    slowest = least;
}

/* The next whole event a reader has; false if there is none. */
static bool next(struct stream *s, int reader) {
    char *at = (char *)s->in + s->in_at;
    size_t left = s->in_size - s->in_at;
    char *end = left ? memchr(at, '\n', left) : NULL;
    if (!end) return false;
    size_t line = (size_t)(end - at) + 1;
    if (*F.kind == 'n') {
        if (!strncmp(at, "MSG ", 4)) {
            if (left < line + F.size + 2) return false;
            hear(reader, (uint8_t *)at + line, F.size);
            line += F.size + 2;
        } else if (!strncmp(at, "PING", 4)) {
            stream_put(s, "PONG\r\n", 6);
        } else if (*at == '-') {
            fail("NATS: %.*s", (int)line, at);
        } else if (!strncmp(at, "PONG", 4)) {
            ready += 1;
        }
    } else {
        /* *3 $7 message $1 t $SIZE BODY: a head of a length that never changes */
        static size_t head;
        if (!head) {
            const char *format = "*3\r\n$7\r\nmessage\r\n$1\r\nt\r\n$%lu\r\n";
            head = (size_t)snprintf(NULL, 0, format, F.size);
        }
        if (left < 17) return false;
        if (!strncmp(at + 8, "message", 7)) {
            if (left < head + F.size + 2) return false;
            hear(reader, (uint8_t *)at + head, F.size);
            line = head + F.size + 2;
        } else {
            const char *subscribed = "*3\r\n$9\r\nsubscribe\r\n$1\r\nt\r\n:1\r\n";
            if (left < strlen(subscribed)) return false;
            line = strlen(subscribed);
            ready += 1;
        }
    }
    s->in_at += line;
    return true;
}

static void read_streams(void) {
    static struct stream lanes[16];
    struct stream *streams[16];
    for (uint64_t i = 0; i < F.lanes; i++) {
        stream_open(&lanes[i], F.at);
        streams[i] = &lanes[i];
        stream_print(&lanes[i], *F.kind == 'n'
            ? "CONNECT {\"verbose\":false}\r\nSUB t 1\r\nPING\r\n"
            : "*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\nt\r\n");
    }
    while (!is_over) {
        streams_wait(streams, (int)F.lanes, 20);
        for (uint64_t i = 0; i < F.lanes; i++) while (next(&lanes[i], (int)i)) { }
        tell();
    }
}

static void *zeromq(int type, const char *at, bool is_bound) {
    void *socket = zmq_socket(context, type);
    int most = (int)F.window * 4, none = 0;
    if (!socket) fail("no socket: %s", zmq_strerror(errno));
    zmq_setsockopt(socket, ZMQ_SNDHWM, &most, sizeof most);
    zmq_setsockopt(socket, ZMQ_RCVHWM, &most, sizeof most);
    zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
    if (type == ZMQ_SUB) zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0);
    if (is_bound ? zmq_bind(socket, at) : zmq_connect(socket, at)) {
        fail("%s: %s", at, zmq_strerror(errno));
    }
    return socket;
}

static void read_zeromq(void) {
    void *sockets[16];
    zmq_pollitem_t polled[16];
    char at[256];
    snprintf(at, sizeof at, "ipc://%s.out", F.at);
    for (uint64_t i = 0; i < F.lanes; i++) {
        sockets[i] = zeromq(ZMQ_SUB, at, false);
        polled[i] = (zmq_pollitem_t){ sockets[i], 0, ZMQ_POLLIN, 0 };
    }
    uint8_t *body = grown(NULL, F.size);
    bool is_ready[16] = { 0 };
    while (!is_over) {
        if (zmq_poll(polled, (int)F.lanes, 20) < 0) fail("zmq_poll: %s", zmq_strerror(errno));
        for (uint64_t i = 0; i < F.lanes; i++) {
            if (!(polled[i].revents & ZMQ_POLLIN)) continue;
            for (int n; (n = zmq_recv(sockets[i], body, F.size, ZMQ_DONTWAIT)) >= 0;) {
                if (n == 1) {                        /* the publisher asks who hears it */
                    if (!is_ready[i]) ready += 1;
                    is_ready[i] = true;
                } else {
                    hear((int)i, body, (size_t)n);
                }
            }
        }
        tell();
    }
    for (uint64_t i = 0; i < F.lanes; i++) zmq_close(sockets[i]);
}

static void *reader(void *nothing) {
    if (*F.kind == 'z') read_zeromq();
    else read_streams();
    return nothing;
}

static int serve(const char *in, const char *out) {
    context = zmq_ctx_new();
    F.window = 4000;
    void *front = zeromq(ZMQ_XSUB, in, true), *back = zeromq(ZMQ_XPUB, out, true);
    zmq_proxy(front, back, NULL);
    return 0;
}

int main(int count, char **words) {
    if (count == 4 && !strcmp(words[1], "serve")) return serve(words[2], words[3]);
    flow_open(count, words);
    struct stream stream, *streams[1] = { &stream };
    void *socket = NULL;
    bool is_zeromq = *F.kind == 'z', is_redis = *F.kind == 'r';
    context = zmq_ctx_new();
    pthread_t thread;
    if (pthread_create(&thread, NULL, reader, NULL)) fail("no thread");
    if (is_zeromq) {
        char at[256];
        snprintf(at, sizeof at, "ipc://%s.in", F.at);
        socket = zeromq(ZMQ_PUB, at, false);
    } else {
        stream_open(&stream, F.at);
        if (!is_redis) stream_print(&stream, "CONNECT {\"verbose\":false}\r\n");
    }
    /* Subscriptions are on their way: nothing is published before all of them are known. */
    for (uint64_t end = now() + 10000000000ull; ready < (int)F.lanes;) {
        if (now() > end) fail("only %d of %lu subscribers hear", ready, F.lanes);
        if (is_zeromq) zmq_send(socket, "?", 1, 0);
        poll(NULL, 0, 1);
    }
    uint64_t published = 0, stop = 0;
    char head[128];
    size_t head_size = (size_t)(is_redis
        ? snprintf(head, sizeof head, "*3\r\n$7\r\nPUBLISH\r\n$1\r\nt\r\n$%lu\r\n", F.size)
        : snprintf(head, sizeof head, "PUB t %lu\r\n", F.size));
    flow_start();
    for (;;) {
        uint64_t time = now(), passed = slowest;
        if (time >= F.end && !stop) stop = time + DRAIN_SECONDS * 1000000000ull;
        if (stop && (passed >= published || time > stop)) break;
        uint64_t ahead = published - passed;
        uint64_t room = stop || ahead >= F.window ? 0 : F.window - ahead;
        for (uint64_t i = 0; i < room; i++) {
            published += 1;
            memcpy(F.body, &published, 8);
            if (is_zeromq) {
                if (zmq_send(socket, F.body, F.size, 0) < 0) fail("%s", zmq_strerror(errno));
            } else {
                stream_put(&stream, head, head_size);
                stream_put(&stream, F.body, F.size);
                stream_put(&stream, "\r\n", 2);
            }
        }
        if (is_zeromq) {
            if (!room) zmq_poll(NULL, 0, 1);
            continue;
        }
        streams_wait(streams, 1, room ? 0 : 1);
        /* Redis answers every event, NATS asks whether the publisher lives. */
        if (!is_redis && stream.in_size > stream.in_at
            && memmem(stream.in + stream.in_at, stream.in_size - stream.in_at, "PING", 4)) {
            stream_print(&stream, "PONG\r\n");
        }
        stream.in_at = stream.in_size;
    }
    double seconds = (double)(now() - F.start) / 1e9;
    is_over = true;
    pthread_join(thread, NULL);
    for (uint64_t i = 0; i < F.lanes; i++) lost += published - heard[i];
    printf("{\"deliveries_per_s\":%.0f,\"deliveries\":%lu,\"published\":%lu,\"seconds\":%.3f,"
           "\"lost\":%lu,\"duplicated\":%lu}\n",
           (double)delivered / seconds, delivered, published, seconds, lost, twice);
    return lost || twice ? 1 : 0;
}
