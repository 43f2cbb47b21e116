"""The `eventsourcing` library on PostgreSQL: appends the events in a file of bodies, then folds them back into memberships.

Arguments: the file, the host, the database, the number of callers, the seconds of single appends. Prints one line of JSON: events
a second appended in bulk through the recorder, single durable events a second of so many threads, events a second read and
folded, and how many memberships were found. The recorder is used itself: aggregates would only add to its work."""
import json
import sys
import threading
import time
import uuid

from eventsourcing.application import Application
from eventsourcing.persistence import StoredEvent

BATCH = 500  # events of one insert: the library sends them as one statement
PAGE = 5000  # events of one read


def fold(bodies):
    """The memberships that the events leave, in the order in which they took effect."""
    members = {}
    for body in sorted(bodies, key=lambda body: (body["effective_at"], body["position"])):
        kind, data = body["type"], body["data"]
        if kind == "membership.added":
            members.setdefault(data["group"], set()).add(data["member"])
        elif kind == "membership.removed":
            members.get(data["group"], set()).discard(data["member"])
        elif kind == "group.deleted":
            members.pop(data["id"], None)
            for group in members.values():
                group.discard("group:" + data["id"])
        elif kind == "identity.retired":
            for group in members.values():
                group.discard("identity:" + data["id"])
    return sum(map(len, members.values()))


def main():
    path, host, database, callers, seconds = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), float(sys.argv[5])
    application = Application(env={
        "PERSISTENCE_MODULE": "eventsourcing.postgres", "POSTGRES_DBNAME": database, "POSTGRES_HOST": host,
        "POSTGRES_PORT": "5432", "POSTGRES_USER": "postgres", "POSTGRES_PASSWORD": "", "POSTGRES_POOL_SIZE": str(callers),
        "POSTGRES_MAX_OVERFLOW": str(callers), "POSTGRES_MAX_WAITING": str(callers * 2),
        "POSTGRES_PRE_PING": "no"})
    recorder = application.recorder
    with open(path, "rb") as file:
        lines = file.read().splitlines()
    before = recorder.max_notification_id() or 0
    stream = uuid.uuid4()
    events = [StoredEvent(originator_id=stream, originator_version=index + 1, topic="event", state=line)
              for index, line in enumerate(lines)]
    start = time.perf_counter()
    for index in range(0, len(events), BATCH):
        recorder.insert_events(events[index:index + BATCH])
    bulk = len(events) / (time.perf_counter() - start)

    start = time.perf_counter()
    bodies, first = [], before + 1
    while len(bodies) < len(lines):
        page = recorder.select_notifications(start=first, limit=PAGE)
        if not page:
            sys.exit(f"{len(bodies)} of {len(lines)} events are there")
        bodies += [json.loads(notification.state) for notification in page]
        first = page[-1].id + 1
    memberships = fold(bodies)
    rebuild = len(bodies) / (time.perf_counter() - start)

    counts, end = [0] * callers, time.perf_counter() + seconds

    def append(caller):
        own, version = uuid.uuid4(), 0
        while time.perf_counter() < end:
            version += 1
            recorder.insert_events([StoredEvent(originator_id=own, originator_version=version, topic="event",
                                                state=lines[version % len(lines)])])
            counts[caller] = version

    threads = [threading.Thread(target=append, args=(caller,)) for caller in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps({"bulk": bulk, "rebuild": rebuild, "single": sum(counts) / seconds, "memberships": memberships}))


if __name__ == "__main__":
    main()
