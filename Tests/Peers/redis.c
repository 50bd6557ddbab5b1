// SPDX-License-Identifier: Apache-2.0
/*
 * The flow on Redis: a stream and a consumer group an office, whole batches, pipelined.
 *
 * A lane is a connection that staffs all offices. Its turn is one round trip: in one MULTI, what
 * the lane took the turn before is acknowledged and deleted at its office and added at the next,
 * and new cases are submitted; then it takes what waits. With `appendfsync always` the server
 * syncs its log once a turn of its loop and answers only then.
 * KIND: `streams`, where every hop writes the body again; or `reference`, where the body is a key
 * of its own, written once, and read in a second round trip of the turn.
 */
#include "stream.h"

struct entry {
    char id[48];
    uint64_t serial;
};

struct lane {
    struct stream stream;
    bool is_busy;
    uint64_t seen;                   /* turns that gave something, when the one under way began */
    struct entry *taken[OFFICES + 1];
    int counts[OFFICES + 1];
    uint64_t *submitted;
    int submitted_count;
    int answers;                     /* still to come in this turn */
    bool has_exec, is_fetching;
};

static uint64_t given;

/* A command is an array of strings. */
static void head(struct stream *s, uint64_t count) { stream_print(s, "*%lu\r\n", count); }

static void word(struct stream *s, const void *bytes, size_t size) {
    stream_print(s, "$%zu\r\n", size);
    stream_put(s, bytes, size);
    stream_put(s, "\r\n", 2);
}

static void text(struct stream *s, const char *characters) {
    word(s, characters, strlen(characters));
}

static void command(struct stream *s, int count, ...) {
    va_list list;
    va_start(list, count);
    head(s, (uint64_t)count);
    for (int i = 0; i < count; i++) text(s, va_arg(list, const char *));
    va_end(list);
}

/* The reply that begins at `at`: where it ends, or NULL if not all of it is there. */
static const uint8_t *past(const uint8_t *at, const uint8_t *end) {
    const uint8_t *line = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
    if (!line) return NULL;
    long count = strtol((const char *)at + 1, NULL, 10);
    switch (*at) {
    case '$':
        if (count < 0) return line + 1;
        return end - line - 1 >= count + 2 ? line + 1 + count + 2 : NULL;
    case '*':
        at = line + 1;
        for (long i = 0; i < count && at; i++) at = past(at, end);
        return at;
    case '-': fail("Redis: %.*s", (int)(line - at), (const char *)at);
    default: return line + 1;
    }
}

/* Goes into an array: how many elements it has, 0 for none. */
static long into(const uint8_t **at) {
    if (**at != '*') fail("Redis answers something else than an array: %.20s", (const char *)*at);
    long count = strtol((const char *)*at + 1, NULL, 10);
    *at = (const uint8_t *)memchr(*at, '\n', 32) + 1;
    return count < 0 ? 0 : count;
}

/* Takes a string. */
static const uint8_t *string(const uint8_t **at, size_t *size) {
    if (**at != '$') fail("Redis answers something else than a string: %.20s", (const char *)*at);
    long count = strtol((const char *)*at + 1, NULL, 10);
    const uint8_t *bytes = (const uint8_t *)memchr(*at, '\n', 32) + 1;
    *size = (size_t)count;
    *at = bytes + count + 2;
    return bytes;
}

static const char *name(int office) {
    static const char *const names[] = { "", "o1", "o2", "o3", "o4", "o5" };
    return names[office];
}

static bool is_by_reference(void) { return *F.kind == 'r'; }

static void add(struct stream *s, int office) {
    head(s, 5);
    text(s, "XADD");
    text(s, name(office));
    text(s, "*");
    text(s, "b");
    word(s, F.body, is_by_reference() ? 8 : F.size);
}

/* The key of a body. */
static void key(struct stream *s, uint64_t serial) {
    char characters[24];
    snprintf(characters, sizeof characters, "b%lu", serial);
    text(s, characters);
}

static void turn(struct lane *lane, uint64_t due) {
    struct stream *s = &lane->stream;
    uint64_t all = due;
    for (int office = 1; office <= OFFICES; office++) all += (uint64_t)lane->counts[office];
    lane->answers = 0;
    lane->has_exec = all > 0;
    if (all) {
        command(s, 1, "MULTI");
        lane->answers += 1;
        for (int office = 1; office <= OFFICES; office++) {
            int count = lane->counts[office];
            if (!count) continue;
            head(s, 3 + (uint64_t)count);
            text(s, "XACK");
            text(s, name(office));
            text(s, "g");
            for (int i = 0; i < count; i++) text(s, lane->taken[office][i].id);
            head(s, 2 + (uint64_t)count);
            text(s, "XDEL");
            text(s, name(office));
            for (int i = 0; i < count; i++) text(s, lane->taken[office][i].id);
            lane->answers += 2;
            for (int i = 0; i < count && office < OFFICES; i++) {
                uint64_t serial = htobe64(lane->taken[office][i].serial);
                memcpy(F.body, &serial, 8);
                add(s, office + 1);
                lane->answers += 1;
            }
            if (office < OFFICES || !is_by_reference()) continue;
            head(s, 1 + (uint64_t)count);
            text(s, "UNLINK");
            for (int i = 0; i < count; i++) key(s, lane->taken[office][i].serial);
            lane->answers += 1;
        }
        for (uint64_t i = 0; i < due; i++) {
            lane->submitted[i] = flow_begin();
            if (is_by_reference()) {
                head(s, 3);
                text(s, "SET");
                key(s, lane->submitted[i]);
                word(s, F.body, F.size);
                lane->answers += 1;
            }
            add(s, 1);
            lane->answers += 1;
        }
        command(s, 1, "EXEC");
        lane->answers += 1;
    }
    lane->submitted_count = (int)due;
    char limit[16], consumer[16];
    snprintf(limit, sizeof limit, "%lu", (F.window + F.lanes - 1) / F.lanes);
    snprintf(consumer, sizeof consumer, "lane%p", (void *)lane);
    command(s, 17, "XREADGROUP", "GROUP", "g", consumer, "COUNT", limit, "STREAMS",
            "o1", "o2", "o3", "o4", "o5", ">", ">", ">", ">", ">");
    lane->answers += 1;
    lane->is_busy = true;
    lane->seen = given;
}

/* The transaction is in the log and synced. */
static void kept(struct lane *lane) {
    for (int office = 1; office <= OFFICES; office++) {
        for (int i = 0; i < lane->counts[office]; i++) {
            flow_settled(lane->taken[office][i].serial, office);
        }
        lane->counts[office] = 0;
    }
    for (int i = 0; i < lane->submitted_count; i++) flow_kept(lane->submitted[i]);
    given += 1;
}

static void take(struct lane *lane, const uint8_t *at) {
    size_t size;
    for (long streams = into(&at); streams > 0; streams--) {
        into(&at);
        int office = string(&at, &size)[1] - '0';
        if (office < 1 || office > OFFICES) fail("Redis names another stream");
        for (long entries = into(&at); entries > 0; entries--) {
            struct entry *entry = &lane->taken[office][lane->counts[office]++];
            into(&at);
            const uint8_t *id = string(&at, &size);
            if (size >= sizeof entry->id) fail("an id of %zu bytes", size);
            memcpy(entry->id, id, size);
            entry->id[size] = 0;
            into(&at);
            string(&at, &size);
            const uint8_t *body = string(&at, &size);
            if (is_by_reference()) {
                if (size != 8) fail("a reference of %zu bytes", size);
                memcpy(&entry->serial, body, 8);
                entry->serial = be64toh(entry->serial);
            } else {
                entry->serial = flow_delivered(body, size, office);
            }
        }
    }
}

/* Asks for the bodies of what was taken by reference. */
static void fetch(struct lane *lane) {
    uint64_t all = 0;
    for (int office = 1; office <= OFFICES; office++) all += (uint64_t)lane->counts[office];
    if (!all) return;
    head(&lane->stream, 1 + all);
    text(&lane->stream, "MGET");
    for (int office = 1; office <= OFFICES; office++) {
        for (int i = 0; i < lane->counts[office]; i++) {
            key(&lane->stream, lane->taken[office][i].serial);
        }
    }
    lane->answers = 1;
    lane->is_fetching = true;
}

static void fetched(struct lane *lane, const uint8_t *at) {
    into(&at);
    for (int office = 1; office <= OFFICES; office++) {
        for (int i = 0; i < lane->counts[office]; i++) {
            size_t size;
            const uint8_t *body = string(&at, &size);
            if (flow_delivered(body, size, office) != lane->taken[office][i].serial) {
                fail("Redis gave the body of another");
            }
        }
    }
    lane->is_fetching = false;
}

static void answered(struct lane *lane) {
    struct stream *s = &lane->stream;
    while (lane->answers > 0) {
        const uint8_t *at = s->in + s->in_at, *end = past(at, s->in + s->in_size);
        if (!end) return;
        s->in_at = (size_t)(end - s->in);
        lane->answers -= 1;
        if (lane->answers == 1 && lane->has_exec && !lane->is_fetching) {
            if (into(&at) == 0) fail("Redis did not run the transaction");
            kept(lane);
        } else if (lane->answers == 0) {
            if (lane->is_fetching) {
                fetched(lane, at);
            } else {
                take(lane, at);
                if (is_by_reference()) fetch(lane);
            }
            lane->is_busy = lane->is_fetching;
        }
    }
}

/* Sends one command and waits for its answer; the number in it. */
static long ask(struct stream *s) {
    for (;;) {
        const uint8_t *at = s->in + s->in_at, *end = past(at, s->in + s->in_size);
        if (end) {
            s->in_at = (size_t)(end - s->in);
            return strtol((const char *)at + 1, NULL, 10);
        }
        streams_wait(&s, 1, 1000);
    }
}

int main(int count, char **words) {
    flow_open(count, words);
    struct lane lanes[16] = { 0 };
    struct stream *streams[16];
    for (uint64_t i = 0; i < F.lanes; i++) {
        struct lane *lane = &lanes[i];
        stream_open(&lane->stream, F.at);
        streams[i] = &lane->stream;
        lane->submitted = grown(NULL, (F.window + 1) * sizeof *lane->submitted);
        for (int office = 1; office <= OFFICES; office++) {
            lane->taken[office] = grown(NULL, (F.window + 1) * sizeof *lane->taken[office]);
        }
    }
    command(streams[0], 1, "FLUSHALL");
    ask(streams[0]);
    for (int office = 1; office <= OFFICES; office++) {
        command(streams[0], 6, "XGROUP", "CREATE", name(office), "g", "0", "MKSTREAM");
        ask(streams[0]);
    }
    flow_start();
    while (flow_goes_on()) {
        uint64_t due = flow_due(), most = (F.window + F.lanes - 1) / F.lanes;
        for (uint64_t i = 0; i < F.lanes; i++) {
            struct lane *lane = &lanes[i];
            if (lane->is_busy) continue;
            uint64_t share = due < most ? due : most;
            bool has_work = share > 0 || lane->seen != given;
            for (int office = 1; office <= OFFICES; office++) has_work |= lane->counts[office] > 0;
            if (!has_work) continue;
            due -= share;
            turn(lane, share);
        }
        streams_wait(streams, (int)F.lanes, 100);
        for (uint64_t i = 0; i < F.lanes; i++) {
            if (lanes[i].is_busy) answered(&lanes[i]);
        }
    }
    uint64_t left = 0;
    if (F.done == F.last) {
        for (int office = 1; office <= OFFICES; office++) {
            command(streams[0], 2, "XLEN", name(office));
            left += (uint64_t)ask(streams[0]);
        }
    }
    return flow_report(left);
}
