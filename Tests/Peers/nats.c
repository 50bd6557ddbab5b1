// SPDX-License-Identifier: Apache-2.0
/*
 * The flow on NATS JetStream: a work-queue stream and a push consumer an office, over plain TCP.
 *
 * A hop: the message comes, is published to the next office's stream, and once the server has
 * answered that, is acknowledged. The two are not one transaction: a crash between them leaves the
 * message at both offices. Acknowledgements are not answered, so the last hop counts as soon as it
 * is sent.
 * KIND: `jetstream`. Whether anything is synced is a matter of how the server is set up.
 */
#include "stream.h"

static struct stream S;

/* The reply subjects of a flow's deliveries. The next office's may come before the server has
   answered that the message is there. */
struct replies { char subject[OFFICES + 1][96]; };
static struct replies *replies;           /* by serial */
static uint64_t replies_room;

static char answer[4096];                 /* to the last call of the API */
static bool is_answered;

static void publish(int office, uint64_t serial) {
    stream_print(&S, "PUB o%d _r.%d.%lu %lu\r\n", office + 1, office, serial, F.size);
    stream_put(&S, F.body, F.size);
    stream_put(&S, "\r\n", 2);
}

static void acknowledge(int office, uint64_t serial) {
    stream_print(&S, "PUB %s 4\r\n+ACK\r\n", replies[serial].subject[office]);
}

static void delivered(int office, const char *reply, const uint8_t *bytes, size_t size) {
    uint64_t serial = flow_delivered(bytes, size, office);
    if (serial >= replies_room) {
        replies_room = serial * 2 + 16384;
        replies = grown(replies, replies_room * sizeof *replies);
    }
    if (strlen(reply) >= sizeof replies->subject[0]) fail("a reply subject is too long");
    strcpy(replies[serial].subject[office], reply);
    if (office < OFFICES) {
        memcpy(F.body, bytes, F.size);
        publish(office, serial);
    } else {
        acknowledge(OFFICES, serial);
        flow_settled(serial, OFFICES);
    }
}

/* The server has answered a publication that leaves `office`, or 0 for a submission. */
static void published(int office, uint64_t serial, const char *bytes, size_t size) {
    if (size > 9 && !strncmp(bytes, "{\"error\"", 8)) fail("NATS: %.*s", (int)size, bytes);
    if (office == 0) {
        flow_kept(serial);
    } else {
        acknowledge(office, serial);
        flow_settled(serial, office);
    }
}

static void message(char *line, const uint8_t *bytes, size_t size) {
    char subject[128], reply[128] = "";
    int sid;
    size_t told;
    if (sscanf(line, "MSG %127s %d %127s %zu", subject, &sid, reply, &told) != 4) {
        reply[0] = 0;
        if (sscanf(line, "MSG %127s %d %zu", subject, &sid, &told) != 3) fail("NATS: %s", line);
    }
    if (sid >= 1 && sid <= OFFICES) {
        delivered(sid, reply, bytes, size);
    } else if (sid == 10) {
        int office;
        uint64_t serial;
        if (sscanf(subject, "_r.%d.%lu", &office, &serial) != 2) fail("NATS: %s", line);
        published(office, serial, (const char *)bytes, size);
    } else {
        if (size >= sizeof answer) size = sizeof answer - 1;
        memcpy(answer, bytes, size);
        answer[size] = 0;
        is_answered = true;
    }
}

/* Takes what was read. */
static void take_all(void) {
    for (;;) {
        char *at = (char *)S.in + S.in_at;
        size_t left = S.in_size - S.in_at;
        char *end = left ? memchr(at, '\n', left) : NULL;
        if (!end) return;
        size_t line = (size_t)(end - at) + 1, size = 0;
        if (!strncmp(at, "MSG ", 4)) {
            char *digit = end - 1;                    /* the size is the last word */
            while (digit[-1] != ' ') digit -= 1;
            size = strtoull(digit, NULL, 10);
            if (left < line + size + 2) return;
            *end = 0;
            message(at, (uint8_t *)at + line, size);
            size += 2;
        } else if (!strncmp(at, "PING", 4)) {
            stream_put(&S, "PONG\r\n", 6);
        } else if (*at == '-') {
            fail("NATS: %.*s", (int)line, at);
        }
        S.in_at += line + size;
    }
}

/* Calls the API; the answer. */
static const char *call(const char *subject, const char *request) {
    struct stream *streams[1] = { &S };
    is_answered = false;
    stream_print(&S, "PUB $JS.API.%s _a %zu\r\n%s\r\n", subject, strlen(request), request);
    for (uint64_t end = now() + 10000000000ull; !is_answered;) {
        if (now() > end) fail("NATS does not answer %s", subject);
        streams_wait(streams, 1, 1000);
        take_all();
    }
    return answer;
}

int main(int count, char **words) {
    flow_open(count, words);
    struct stream *streams[1] = { &S };
    char subject[64], request[512];
    stream_open(&S, F.at);
    stream_print(&S, "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true}\r\n");
    stream_print(&S, "SUB _r.*.* 10\r\nSUB _a 11\r\n");
    for (int office = 1; office <= OFFICES; office++) {
        snprintf(subject, sizeof subject, "STREAM.DELETE.O%d", office);
        call(subject, "");
        snprintf(subject, sizeof subject, "STREAM.CREATE.O%d", office);
        snprintf(request, sizeof request,
                 "{\"name\":\"O%d\",\"subjects\":[\"o%d\"],\"retention\":\"workqueue\","
                 "\"storage\":\"file\",\"num_replicas\":1,\"max_consumers\":-1,\"max_msgs\":-1,"
                 "\"max_bytes\":-1,\"max_age\":0,\"discard\":\"new\"}", office, office);
        if (strstr(call(subject, request), "\"error\"")) fail("NATS: %s", answer);
        stream_print(&S, "SUB d%d %d\r\n", office, office);
        snprintf(subject, sizeof subject, "CONSUMER.DURABLE.CREATE.O%d.c", office);
        snprintf(request, sizeof request,
                 "{\"stream_name\":\"O%d\",\"config\":{\"durable_name\":\"c\","
                 "\"deliver_subject\":\"d%d\",\"deliver_policy\":\"all\","
                 "\"ack_policy\":\"explicit\","
                 "\"ack_wait\":30000000000,\"max_ack_pending\":%lu,\"replay_policy\":\"instant\"}}",
                 office, office, F.window * 2);
        if (strstr(call(subject, request), "\"error\"")) fail("NATS: %s", answer);
    }
    flow_start();
    while (flow_goes_on()) {
        for (uint64_t due = flow_due(); due > 0; due--) publish(0, flow_begin());
        streams_wait(streams, 1, 500);
        take_all();
    }
    uint64_t left = F.done == F.last ? 1 : 0;
    /* Acknowledgements are taken in the background. */
    for (uint64_t end = now() + DRAIN_SECONDS * 1000000000ull; left && now() < end;) {
        left = 0;
        for (int office = 1; office <= OFFICES; office++) {
            snprintf(subject, sizeof subject, "STREAM.INFO.O%d", office);
            const char *found = strstr(call(subject, ""), "\"messages\":");
            if (!found) fail("NATS: %s", answer);
            left += strtoull(found + 11, NULL, 10);
        }
    }
    return flow_report(left);
}
