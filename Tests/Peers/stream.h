// SPDX-License-Identifier: Apache-2.0
/* A connection with what is to be sent and what was read, for the clients that speak a protocol. */
#ifndef STREAM_H
#define STREAM_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "flow.h"

struct stream {
    int socket;
    uint8_t *out;
    size_t out_size, out_sent, out_room;
    uint8_t *in;
    size_t in_at, in_size, in_room;   /* what was read stands from in_at to in_size */
};

/* Connects to a path, or to a port of 127.0.0.1 where `at` has no slash. */
static void stream_open(struct stream *s, const char *at) {
    memset(s, 0, sizeof *s);
    struct sockaddr_un path = { .sun_family = AF_UNIX };
    struct sockaddr_in port = { .sin_family = AF_INET };
    bool is_path = strchr(at, '/') != NULL;
    s->socket = socket(is_path ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->socket < 0) fail("no socket: %s", strerror(errno));
    if (is_path) {
        if (strlen(at) >= sizeof path.sun_path) fail("%s is too long for a socket", at);
        strcpy(path.sun_path, at);
        if (connect(s->socket, (struct sockaddr *)&path, sizeof path)) {
            fail("%s: %s", at, strerror(errno));
        }
    } else {
        port.sin_port = htons((uint16_t)atoi(at));
        port.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (connect(s->socket, (struct sockaddr *)&port, sizeof port)) {
            fail("%s: %s", at, strerror(errno));
        }
        int yes = 1;
        setsockopt(s->socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    }
    fcntl(s->socket, F_SETFL, O_NONBLOCK);
}

/* Room for `size` more bytes at the end of what is to be sent. */
static uint8_t *stream_room(struct stream *s, size_t size) {
    if (s->out_size + size > s->out_room) {
        s->out_room = (s->out_size + size) * 2;
        s->out = grown(s->out, s->out_room);
    }
    return s->out + s->out_size;
}

static void stream_put(struct stream *s, const void *bytes, size_t size) {
    memcpy(stream_room(s, size), bytes, size);
    s->out_size += size;
}

__attribute__((format(printf, 2, 3), unused))
static void stream_print(struct stream *s, const char *format, ...) {
    va_list list;
    va_start(list, format);
    int size = vsnprintf((char *)stream_room(s, 1024), 1024, format, list);
    va_end(list);
    if (size < 0 || size >= 1024) fail("a line of %d bytes is too long", size);
    s->out_size += (size_t)size;
}

/* Sends what the system takes now; true once all is sent. */
static bool stream_send(struct stream *s) {
    while (s->out_sent < s->out_size) {
        ssize_t n = send(s->socket, s->out + s->out_sent, s->out_size - s->out_sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return false;
        if (n < 0) fail("sending to the peer: %s", strerror(errno));
        s->out_sent += (size_t)n;
    }
    s->out_size = s->out_sent = 0;
    return true;
}

/* Reads what is there now. */
static void stream_receive(struct stream *s) {
    if (s->in_at) {
        memmove(s->in, s->in + s->in_at, s->in_size - s->in_at);
        s->in_size -= s->in_at;
        s->in_at = 0;
    }
    for (;;) {
        if (s->in_room - s->in_size < 131072) {
            s->in_room = s->in_room * 2 + 262144;
            s->in = grown(s->in, s->in_room);
        }
        size_t room = s->in_room - s->in_size;
        ssize_t n = recv(s->socket, s->in + s->in_size, room, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return;
        if (n < 0) fail("reading from the peer: %s", strerror(errno));
        if (n == 0) fail("the peer closed the connection");
        s->in_size += (size_t)n;
        if ((size_t)n < room) return;
    }
}

/* Waits until one of the streams can be read, or sent to where something is left to send. */
static void streams_wait(struct stream **streams, int count, int milliseconds) {
    struct pollfd polled[16];
    for (int i = 0; i < count; i++) {
        bool rest = !stream_send(streams[i]);
        polled[i] = (struct pollfd){ streams[i]->socket, rest ? POLLIN | POLLOUT : POLLIN, 0 };
    }
    if (poll(polled, (nfds_t)count, milliseconds) < 0 && errno != EINTR) {
        fail("poll: %s", strerror(errno));
    }
    for (int i = 0; i < count; i++) {
        if (polled[i].revents & (POLLIN | POLLHUP | POLLERR)) stream_receive(streams[i]);
    }
}

#endif
