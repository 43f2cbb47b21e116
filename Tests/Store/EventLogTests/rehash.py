"""Re-computes a log's leaves from its exported lines: SHA-256(0x00 || line), nothing else needed.

usage: rehash.py LINES LEAVES    LINES: one event a line, as exported; LEAVES: their digests in hexadecimal, one a line
"""
import hashlib
import json
import sys

wrong = 0
with open(sys.argv[1], "rb") as lines, open(sys.argv[2], encoding="ascii") as leaves:
    for place, (line, leaf) in enumerate(zip(lines, leaves, strict=True), 1):
        body = line.removesuffix(b"\n")
        event = json.loads(body)
        canonical = json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        digest = hashlib.sha256(b"\x00" + body).hexdigest()
        if event["position"] != place or digest != leaf.strip() or canonical != body:
            print(f"event {place} is not what its leaf says")
            wrong += 1
    print(f"{place} events, {wrong} wrong")
sys.exit(1 if wrong else 0)
