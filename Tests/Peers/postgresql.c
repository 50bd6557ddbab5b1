// SPDX-License-Identifier: Apache-2.0
/*
 * The flow on PostgreSQL: a table as a queue, SKIP LOCKED, whole batches, libpq's pipeline mode.
 *
 * A lane is a connection that staffs all offices. Its turn is one round trip and one transaction:
 * what the lane took the turn before enters the next office, new cases are submitted, COMMIT; then
 * it takes what waits, in the transaction it will settle in, so that a worker that dies leaves all
 * as it was. Bodies are written once, in a table of their own, and read at every office.
 * KIND: `queue`, or `trail` for a row of a journal a submission and a hop too.
 */
#include <arpa/inet.h>
#include <libpq-fe.h>
#include <poll.h>

#include "flow.h"

struct lane {
    PGconn *connection;
    bool is_busy;
    uint64_t seen;                   /* commits there had been when the turn under way began */
    uint64_t *taken, *submitted;     /* of the turn under way */
    int *offices;
    int taken_count, submitted_count;
    uint8_t *bytes[6];               /* parameters, kept for their memory */
    size_t rooms[6];
};

static uint64_t commits;

static const char *const begin = "BEGIN", *const commit = "COMMIT";
static const char *const take =
    "DELETE FROM queue q USING file f WHERE q.ctid = ANY(ARRAY("
    "SELECT t.ctid FROM unnest('{1,2,3,4,5}'::int4[]) o(office), LATERAL ("
    "SELECT w.ctid FROM queue w WHERE w.office = o.office ORDER BY w.position "
    "LIMIT $1::int4 FOR UPDATE SKIP LOCKED) t)) AND f.serial = q.serial "
    "RETURNING q.office, f.body";
static const char *const settle =
    "INSERT INTO queue(office, serial) SELECT o + 1, s "
    "FROM unnest($1::int4[], $2::int8[]) t(o, s) WHERE o < 5";
static const char *const submit =
    "WITH new AS (INSERT INTO file(serial, body) SELECT s, b "
    "FROM unnest($1::int8[], $2::bytea[]) t(s, b) ON CONFLICT DO NOTHING RETURNING serial) "
    "INSERT INTO queue(office, serial) SELECT 1, serial FROM new";
static const char *const trail =
    "INSERT INTO journal(office, serial, at) SELECT o, s, clock_timestamp() "
    "FROM unnest($1::int4[], $2::int8[]) t(o, s)";

static void done(PGconn *connection, PGresult *result) {
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        fail("%s%s", PQresStatus(status), PQerrorMessage(connection));
    }
}

static void run(PGconn *connection, const char *text) {
    PGresult *result = PQexec(connection, text);
    done(connection, result);
    PQclear(result);
}

static void prepare(PGconn *connection, const char *name, const char *text) {
    PGresult *result = PQprepare(connection, name, text, 0, NULL);
    done(connection, result);
    PQclear(result);
}

/* A binary array of one dimension: `count` elements of `size` bytes, written by the caller. */
static uint8_t *array(struct lane *lane, int place, uint32_t type, int count, size_t size,
                      int *total) {
    *total = (int)(20 + (size_t)count * (4 + size));
    if (lane->rooms[place] < (size_t)*total) {
        lane->rooms[place] = (size_t)*total * 2;
        lane->bytes[place] = grown(lane->bytes[place], lane->rooms[place]);
    }
    uint32_t head[5] = { htonl(count ? 1 : 0), 0, htonl(type), htonl((uint32_t)count), htonl(1) };
    memcpy(lane->bytes[place], head, sizeof head);
    if (!count) *total = 12;
    return lane->bytes[place] + 20;
}

static uint8_t *element(uint8_t *at, const void *bytes, size_t size) {
    uint32_t length = htonl((uint32_t)size);
    memcpy(at, &length, 4);
    memcpy(at + 4, bytes, size);
    return at + 4 + size;
}

static void ask(struct lane *lane, const char *name, int count, int one, int *lengths) {
    const char *values[2] = { (char *)lane->bytes[one], (char *)lane->bytes[one + 1] };
    const int formats[2] = { 1, 1 };
    if (!PQsendQueryPrepared(lane->connection, name, count, values, lengths, formats, 1)) {
        fail("%s", PQerrorMessage(lane->connection));
    }
}

/* Sends a turn that submits `due` cases. */
static void turn(struct lane *lane, uint64_t due) {
    int lengths[2];
    if (lane->taken_count) {
        uint8_t *offices = array(lane, 0, 23, lane->taken_count, 4, &lengths[0]);
        uint8_t *serials = array(lane, 1, 20, lane->taken_count, 8, &lengths[1]);
        for (int i = 0; i < lane->taken_count; i++) {
            uint32_t office = htonl((uint32_t)lane->offices[i]);
            uint64_t serial = htobe64(lane->taken[i]);
            offices = element(offices, &office, 4);
            serials = element(serials, &serial, 8);
        }
        ask(lane, "settle", 2, 0, lengths);
        if (*F.kind == 't') ask(lane, "trail", 2, 0, lengths);
    }
    lane->submitted_count = (int)due;
    if (due) {
        uint8_t *serials = array(lane, 2, 20, (int)due, 8, &lengths[0]);
        uint8_t *bodies = array(lane, 3, 17, (int)due, F.size, &lengths[1]);
        for (uint64_t i = 0; i < due; i++) {
            lane->submitted[i] = flow_begin();
            serials = element(serials, F.body, 8);
            bodies = element(bodies, F.body, F.size);
        }
        ask(lane, "submit", 2, 2, lengths);
        if (*F.kind == 't') {
            uint8_t *offices = array(lane, 4, 23, (int)due, 4, &lengths[0]);
            uint8_t *again = array(lane, 5, 20, (int)due, 8, &lengths[1]);
            for (uint64_t i = 0; i < due; i++) {
                uint32_t none = 0;
                uint64_t serial = htobe64(lane->submitted[i]);
                offices = element(offices, &none, 4);
                again = element(again, &serial, 8);
            }
            ask(lane, "trail", 2, 4, lengths);
        }
    }
    ask(lane, "commit", 0, 0, lengths);
    ask(lane, "begin", 0, 0, lengths);
    uint32_t limit = htonl((uint32_t)((F.window + F.lanes - 1) / F.lanes));
    const char *values[1] = { (char *)&limit };
    const int four = 4, binary = 1;
    if (!PQsendQueryPrepared(lane->connection, "take", 1, values, &four, &binary, 1)) {
        fail("%s", PQerrorMessage(lane->connection));
    }
    PQpipelineSync(lane->connection);
    while (PQflush(lane->connection) > 0) {
        struct pollfd polled = { PQsocket(lane->connection), POLLIN | POLLOUT, 0 };
        poll(&polled, 1, 1000);
        if (polled.revents & POLLIN) PQconsumeInput(lane->connection);
    }
    lane->is_busy = true;
    lane->seen = commits;
}

/* Takes the answers to a turn that are there; true once it is over. */
static bool answered(struct lane *lane) {
    if (!PQconsumeInput(lane->connection)) fail("%s", PQerrorMessage(lane->connection));
    static const int tuples = PGRES_TUPLES_OK;
    while (!PQisBusy(lane->connection)) {
        PGresult *result = PQgetResult(lane->connection);
        if (!result) continue;
        int status = (int)PQresultStatus(result);
        if (status == PGRES_PIPELINE_SYNC) {
            PQclear(result);
            lane->is_busy = false;
            return true;
        }
        done(lane->connection, result);
        if (status == PGRES_COMMAND_OK && !strcmp(PQcmdStatus(result), "COMMIT")) {
            for (int i = 0; i < lane->taken_count; i++) {
                flow_settled(lane->taken[i], lane->offices[i]);
            }
            for (int i = 0; i < lane->submitted_count; i++) flow_kept(lane->submitted[i]);
            if (lane->taken_count || lane->submitted_count) commits += 1;
            lane->taken_count = 0;
        } else if (status == tuples && PQnfields(result) == 2) {
            for (int i = 0; i < PQntuples(result); i++) {
                uint32_t office;
                memcpy(&office, PQgetvalue(result, i, 0), 4);
                int place = lane->taken_count++;
                lane->offices[place] = (int)ntohl(office);
                size_t size = (size_t)PQgetlength(result, i, 1);
                lane->taken[place] =
                    flow_delivered(PQgetvalue(result, i, 1), size, lane->offices[place]);
            }
        }
        PQclear(result);
    }
    return false;
}

int main(int count, char **words) {
    flow_open(count, words);
    struct lane lanes[16] = { 0 };
    struct pollfd polled[16];
    char where[512];
    snprintf(where, sizeof where, "host=%s user=postgres dbname=postgres", F.at);
    for (uint64_t i = 0; i < F.lanes; i++) {
        struct lane *lane = &lanes[i];
        lane->connection = PQconnectdb(where);
        if (PQstatus(lane->connection) != CONNECTION_OK) {
            fail("%s", PQerrorMessage(lane->connection));
        }
        lane->taken = grown(NULL, (F.window * OFFICES + 1) * sizeof *lane->taken);
        lane->offices = grown(NULL, (F.window * OFFICES + 1) * sizeof *lane->offices);
        lane->submitted = grown(NULL, (F.window + 1) * sizeof *lane->submitted);
        if (i == 0) {
            run(lane->connection,
                "SET client_min_messages = warning;"
                "DROP TABLE IF EXISTS file, queue, journal;"
                "CREATE TABLE file(serial int8 PRIMARY KEY, body bytea NOT NULL);"
                "ALTER TABLE file ALTER body SET STORAGE EXTERNAL;"
                "CREATE TABLE queue(office int4, position int8 GENERATED ALWAYS AS IDENTITY, "
                "serial int8 NOT NULL, PRIMARY KEY (office, position));"
                "ALTER TABLE queue SET (autovacuum_vacuum_scale_factor = 0, "
                "autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_cost_delay = 0);"
                "CREATE TABLE journal(position int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
                " office int4 NOT NULL, serial int8 NOT NULL, at timestamptz NOT NULL);"
                "CHECKPOINT");
        }
        run(lane->connection,
            "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off;"
            "SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_bitmapscan = off");
        prepare(lane->connection, "begin", begin);
        prepare(lane->connection, "commit", commit);
        prepare(lane->connection, "take", take);
        prepare(lane->connection, "settle", settle);
        prepare(lane->connection, "submit", submit);
        prepare(lane->connection, "trail", trail);
        run(lane->connection, "BEGIN");
        if (!PQenterPipelineMode(lane->connection)) fail("libpq has no pipeline mode");
        PQsetnonblocking(lane->connection, 1);
        polled[i] = (struct pollfd){ PQsocket(lane->connection), POLLIN, 0 };
    }
    flow_start();
    while (flow_goes_on()) {
        uint64_t due = flow_due(), most = (F.window + F.lanes - 1) / F.lanes;
        for (uint64_t i = 0; i < F.lanes; i++) {
            struct lane *lane = &lanes[i];
            if (lane->is_busy) continue;
            uint64_t share = due < most ? due : most;
            /* Nothing to give, and nothing that others gave: what it took last was all there is. */
            if (!share && !lane->taken_count && lane->seen == commits) continue;
            due -= share;
            turn(lane, share);
        }
        if (poll(polled, F.lanes, 100) < 0 && errno != EINTR) fail("poll: %s", strerror(errno));
        for (uint64_t i = 0; i < F.lanes; i++) {
            if (polled[i].revents && lanes[i].is_busy) answered(&lanes[i]);
        }
    }
    for (uint64_t i = 0; i < F.lanes; i++) PQfinish(lanes[i].connection);
    PGconn *connection = PQconnectdb(where);
    PGresult *result = PQexec(connection, "SELECT count(*) FROM queue");
    done(connection, result);
    uint64_t left = strtoull(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    if (*F.kind == 't') {
        result = PQexec(connection, "SELECT count(*) FROM journal");
        done(connection, result);
        uint64_t kept = strtoull(PQgetvalue(result, 0, 0), NULL, 10);
        if (kept != F.last * (OFFICES + 1)) fail("the journal has %lu rows", kept);
        PQclear(result);
    }
    PQfinish(connection);
    return flow_report(left);
}
