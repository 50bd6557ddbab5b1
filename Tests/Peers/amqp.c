// SPDX-License-Identifier: Apache-2.0
/*
 * The flow on RabbitMQ: a queue an office, persistent messages, publisher confirms, manual acks.
 *
 * AMQP 0-9-1, written out, because librabbitmq sends every frame by itself. A hop: the
 * message comes, is published to the next office's queue, and once that is confirmed, is
 * acknowledged. The two are not one transaction: a crash between them leaves the message at both
 * offices. Acknowledgements are not confirmed, so the last hop counts as soon as it is sent.
 * KIND: `quorum` or `classic`.
 */
#include "stream.h"

enum { UNCONFIRMED_ROOM = 1 << 16, FRAME_END = 0xCE };

/* A publication not yet confirmed. */
struct publication {
    uint64_t serial, tag;   /* its flow; the delivery it settles, 0 for a submission */
    int office;             /* the office it is settled at, 0 for a submission */
    bool is_confirmed;
};

struct lane {
    struct stream stream;
    uint64_t published, confirmed;          /* publications made; all up to here are confirmed */
    struct publication ring[UNCONFIRMED_ROOM];
    bool settled[UNCONFIRMED_ROOM];         /* by delivery tag */
    uint64_t delivered, acknowledged;       /* tags come; all up to here acknowledged */
    uint64_t settled_up_to;
    uint64_t serial, tag;                   /* of the delivery whose content is awaited */
    int office;
    size_t content_size, content_at;
    uint8_t *content;
};

static uint32_t frame_max = 131072;

/* MARK: writing */

static void put8(struct stream *s, uint8_t value) { stream_put(s, &value, 1); }

static void put16(struct stream *s, uint16_t value) {
    value = htobe16(value);
    stream_put(s, &value, 2);
}

static void put32(struct stream *s, uint32_t value) {
    value = htobe32(value);
    stream_put(s, &value, 4);
}

static void put64(struct stream *s, uint64_t value) {
    value = htobe64(value);
    stream_put(s, &value, 8);
}

static void put_short(struct stream *s, const char *text) {
    put8(s, (uint8_t)strlen(text));
    stream_put(s, text, strlen(text));
}

/* Begins a frame; where it begins. */
static size_t frame(struct stream *s, uint8_t type, uint16_t channel) {
    size_t at = s->out_size;
    put8(s, type);
    put16(s, channel);
    put32(s, 0);
    return at;
}

static void end(struct stream *s, size_t at) {
    uint32_t size = htobe32((uint32_t)(s->out_size - at - 7));
    memcpy(s->out + at + 3, &size, 4);
    put8(s, FRAME_END);
}

static size_t method(struct stream *s, uint16_t channel, uint16_t class, uint16_t number) {
    size_t at = frame(s, 1, channel);
    put16(s, class);
    put16(s, number);
    return at;
}

static void publish(struct lane *lane, int office, uint64_t serial, uint64_t tag) {
    struct stream *s = &lane->stream;
    const char to[3] = { 'o', (char)('0' + office + 1), 0 };
    size_t at = method(s, 1, 60, 40);
    put16(s, 0);
    put_short(s, "");
    put_short(s, to);
    put8(s, 0);
    end(s, at);
    at = frame(s, 2, 1);
    put16(s, 60);
    put16(s, 0);
    put64(s, F.size);
    put16(s, 0x1000);
    put8(s, 2);
    end(s, at);
    for (size_t done = 0; done < F.size;) {
        size_t part = F.size - done < frame_max - 8 ? F.size - done : frame_max - 8;
        at = frame(s, 3, 1);
        stream_put(s, F.body + done, part);
        end(s, at);
        done += part;
    }
    lane->published += 1;
    if (lane->published - lane->confirmed >= UNCONFIRMED_ROOM) fail("too much is unconfirmed");
    lane->ring[lane->published % UNCONFIRMED_ROOM] =
        (struct publication){ .serial = serial, .tag = tag, .office = office };
}

/* MARK: reading */

struct reader { const uint8_t *at, *end; };

static uint64_t get(struct reader *r, int size) {
    uint64_t value = 0;
    if (r->end - r->at < size) fail("a frame of RabbitMQ is too short");
    while (size--) value = value << 8 | *r->at++;
    return value;
}

static const char *get_short(struct reader *r) {
    static char text[256];
    size_t size = get(r, 1);
    if ((size_t)(r->end - r->at) < size) fail("a frame of RabbitMQ is too short");
    memcpy(text, r->at, size);
    text[size] = 0;
    r->at += size;
    return text;
}

static void confirm(struct lane *lane, uint64_t number) {
    struct publication *one = &lane->ring[number % UNCONFIRMED_ROOM];
    if (number > lane->published || one->is_confirmed) {
        F.duplicated += 1;
        return;
    }
    one->is_confirmed = true;
    if (one->office) {
        lane->settled[one->tag % UNCONFIRMED_ROOM] = true;
        flow_settled(one->serial, one->office);
    } else {
        flow_kept(one->serial);
    }
}

static void arrived(struct lane *lane) {
    uint64_t serial = flow_delivered(lane->content, lane->content_at, lane->office);
    if (lane->office < OFFICES) {
        memcpy(F.body, lane->content, F.size);
        publish(lane, lane->office, serial, lane->tag);
    } else {
        lane->settled[lane->tag % UNCONFIRMED_ROOM] = true;
        flow_settled(serial, OFFICES);
    }
}

/* Takes a frame; the class and method it was, 0 for content. */
static uint32_t take(struct lane *lane, uint8_t type, struct reader r, uint32_t *answer) {
    if (type == 2) {
        get(&r, 4);
        lane->content_size = get(&r, 8);
        lane->content_at = 0;
        if (lane->content_size != F.size) fail("a message of %zu bytes", lane->content_size);
        return 0;
    }
    if (type == 3) {
        size_t size = (size_t)(r.end - r.at);
        if (lane->content_at + size > F.size) fail("more content than was told");
        memcpy(lane->content + lane->content_at, r.at, size);
        lane->content_at += size;
        if (lane->content_at == lane->content_size) arrived(lane);
        return 0;
    }
    if (type != 1) return 0;
    uint32_t kind = (uint32_t)get(&r, 4);
    switch (kind) {
    case 60 << 16 | 60: {
        const char *office = get_short(&r);   /* the consumer is called after its queue */
        lane->office = office[1] - '0';
        lane->tag = get(&r, 8);
        if (get(&r, 1)) F.duplicated += 1;    /* delivered again */
        lane->delivered = lane->tag;
        break;
    }
    case 60 << 16 | 80: {
        uint64_t tag = get(&r, 8);
        bool is_multiple = get(&r, 1) & 1;
        if (is_multiple) {
            for (uint64_t n = lane->confirmed + 1; n <= tag; n++) {
                if (!lane->ring[n % UNCONFIRMED_ROOM].is_confirmed) confirm(lane, n);
            }
        } else {
            confirm(lane, tag);
        }
        while (lane->confirmed < lane->published
               && lane->ring[(lane->confirmed + 1) % UNCONFIRMED_ROOM].is_confirmed) {
            lane->confirmed += 1;
        }
        break;
    }
    case 60 << 16 | 120: F.refused += 1; break;
    case 10 << 16 | 30:
        get(&r, 2);
        frame_max = (uint32_t)get(&r, 4);
        break;
    case 50 << 16 | 11:
        get_short(&r);
        *answer = (uint32_t)get(&r, 4);
        break;
    case 10 << 16 | 50: case 20 << 16 | 40: {
        uint32_t code = (uint32_t)get(&r, 2);
        fail("RabbitMQ closes: %u %s", code, get_short(&r));
    }
    }
    return kind;
}

/* Takes what was read; stops behind a method `until`, unless that is 0. True if it came. */
static bool take_all(struct lane *lane, uint32_t until, uint32_t *answer) {
    struct stream *s = &lane->stream;
    while (s->in_size - s->in_at >= 8) {
        const uint8_t *at = s->in + s->in_at;
        uint32_t size;
        memcpy(&size, at + 3, 4);
        size = be32toh(size);
        if (at[0] == 'A') fail("RabbitMQ speaks another protocol");
        if (s->in_size - s->in_at < (size_t)size + 8) return false;
        s->in_at += (size_t)size + 8;
        if (at[size + 7] != FRAME_END) fail("a frame of RabbitMQ does not end");
        uint32_t kind = take(lane, at[0], (struct reader){ at + 7, at + 7 + size }, answer);
        if (until && kind == until) return true;
    }
    return false;
}

static uint32_t await(struct lane *lane, uint16_t class, uint16_t number) {
    struct stream *streams[1] = { &lane->stream };
    uint32_t answer = 0;
    while (!take_all(lane, (uint32_t)class << 16 | number, &answer)) streams_wait(streams, 1, 1000);
    return answer;
}

/* Acknowledges all deliveries up to the first that is not settled. */
static void acknowledge(struct lane *lane) {
    uint64_t tag = lane->acknowledged;
    while (tag < lane->delivered && lane->settled[(tag + 1) % UNCONFIRMED_ROOM]) {
        tag += 1;
        lane->settled[tag % UNCONFIRMED_ROOM] = false;
    }
    if (tag == lane->acknowledged) return;
    lane->acknowledged = tag;
    size_t at = method(&lane->stream, 1, 60, 80);
    put64(&lane->stream, tag);
    put8(&lane->stream, 1);
    end(&lane->stream, at);
}

static uint32_t declare(struct lane *lane, int office, bool is_passive) {
    struct stream *s = &lane->stream;
    const char name[3] = { 'o', (char)('0' + office), 0 };
    size_t at = method(s, 1, 50, 10);
    put16(s, 0);
    put_short(s, name);
    put8(s, is_passive ? 1 | 2 : 2);
    bool is_quorum = *F.kind == 'q' && !is_passive;
    put32(s, is_quorum ? 13 + 1 + 4 + 6 : 0);
    if (is_quorum) {
        put_short(s, "x-queue-type");
        put8(s, 'S');
        put32(s, 6);
        stream_put(s, "quorum", 6);
    }
    end(s, at);
    return await(lane, 50, 11);
}

static void open_lane(struct lane *lane, bool is_first) {
    struct stream *s = &lane->stream;
    stream_open(s, F.at);
    lane->content = grown(NULL, F.size);
    stream_put(s, "AMQP\0\0\11\1", 8);
    await(lane, 10, 10);
    size_t at = method(s, 0, 10, 11);
    put32(s, 0);
    put_short(s, "PLAIN");
    put32(s, 12);
    stream_put(s, "\0guest\0guest", 12);
    put_short(s, "en_US");
    end(s, at);
    await(lane, 10, 30);
    at = method(s, 0, 10, 31);
    put16(s, 16);
    put32(s, frame_max);
    put16(s, 0);
    end(s, at);
    at = method(s, 0, 10, 40);
    put_short(s, "/");
    put_short(s, "");
    put8(s, 0);
    end(s, at);
    await(lane, 10, 41);
    at = method(s, 1, 20, 10);
    put_short(s, "");
    end(s, at);
    await(lane, 20, 11);
    at = method(s, 1, 85, 10);
    put8(s, 0);
    end(s, at);
    await(lane, 85, 11);
    at = method(s, 1, 60, 10);
    put32(s, 0);
    put16(s, (uint16_t)(F.window < 1000 ? F.window * 2 : 2000));
    put8(s, 0);
    end(s, at);
    await(lane, 60, 11);
    for (int office = 1; office <= OFFICES; office++) {
        const char name[3] = { 'o', (char)('0' + office), 0 };
        if (is_first) {
            at = method(s, 1, 50, 40);          /* delete what a run before left */
            put16(s, 0);
            put_short(s, name);
            put8(s, 0);
            end(s, at);
            await(lane, 50, 41);
            declare(lane, office, false);
        }
        at = method(s, 1, 60, 20);
        put16(s, 0);
        put_short(s, name);
        put_short(s, name);
        put8(s, 0);
        put32(s, 0);
        end(s, at);
        await(lane, 60, 21);
    }
}

int main(int count, char **words) {
    flow_open(count, words);
    struct lane *lanes = calloc(F.lanes, sizeof *lanes);
    struct stream *streams[16];
    if (!lanes) fail("no memory for the lanes");
    for (uint64_t i = 0; i < F.lanes; i++) {
        open_lane(&lanes[i], i == 0);
        streams[i] = &lanes[i].stream;
    }
    uint64_t turn = 0;
    uint32_t answer;
    flow_start();
    while (flow_goes_on()) {
        for (uint64_t due = flow_due(); due > 0; due--) {
            uint64_t serial = flow_begin();
            publish(&lanes[turn++ % F.lanes], 0, serial, 0);
        }
        streams_wait(streams, (int)F.lanes, 500);
        for (uint64_t i = 0; i < F.lanes; i++) {
            take_all(&lanes[i], 0, &answer);
            acknowledge(&lanes[i]);
        }
    }
    uint64_t left = 0;
    for (uint64_t i = 0; i < F.lanes; i++) left += lanes[i].delivered - lanes[i].acknowledged;
    if (F.done == F.last) {
        for (int office = 1; office <= OFFICES; office++) left += declare(&lanes[0], office, true);
    }
    return flow_report(left);
}
