# SPDX-License-Identifier: Apache-2.0
"""Holds Barid against software that knows nothing of it.

check.py lines FILE           every line of barid subscribe --json is a CloudEvent, or a gap
check.py bulletin ENDPOINT    a stock SUB socket is told the ledger's head
"""

import json
import sys

# The attributes bus.md has and CloudEvents knows as extensions.
EXTENSIONS = {"traceparent", "tracestate", "correlationid", "sequence", "topic"}
KNOWN = {
    "specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema",
} | EXTENSIONS


def check_lines(path):
    from cloudevents.core.formats.json import JSONFormat

    form = JSONFormat()
    events = gaps = 0
    for text in open(path, encoding="utf-8"):
        object = json.loads(text)
        if "gap" in object:
            assert set(object) == {"gap"}, text
            gaps += 1
            continue
        event = form.read(None, text)
        assert event.get_specversion() == "1.0", text
        assert event.get_time().tzinfo is not None, text
        assert set(event.get_attributes()) <= KNOWN, text
        # What the package writes again says the same.
        again = json.loads(form.write(event))
        assert again.keys() == object.keys(), (again, object)
        assert all(again[name] == object[name] for name in object if name not in {"time"}), text
        events += 1
    print(json.dumps({"events": events, "gaps": gaps}))


def check_bulletin(endpoint):
    import zmq

    socket = zmq.Context.instance().socket(zmq.SUB)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.RCVTIMEO, 20_000)
    socket.subscribe("ledger.head")
    socket.connect(endpoint)
    topic, text = socket.recv_multipart()
    head = json.loads(text)
    assert topic == b"ledger.head", topic
    assert isinstance(head["position"], int), head
    print(json.dumps(head))


if __name__ == "__main__":
    {"lines": check_lines, "bulletin": check_bulletin}[sys.argv[1]](sys.argv[2])
