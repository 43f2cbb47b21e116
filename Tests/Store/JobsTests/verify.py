# Verifies deliveries as a receiver does that knows Standard Webhooks only from its specification.
# Each line: {"id", "timestamp", "signature", "body" (base64), "secret"}; prints how many are genuine, and how many are not.
import base64, hmac, json, sys

genuine = forged = 0
for line in open(sys.argv[1]):
    delivery = json.loads(line)
    key = base64.b64decode(delivery["secret"].removeprefix("whsec_"), validate=True)
    signed = f'{delivery["id"]}.{delivery["timestamp"]}.'.encode() + base64.b64decode(delivery["body"], validate=True)
    expected = base64.b64encode(hmac.new(key, signed, "sha256").digest()).decode()
    signatures = [s.split(",", 1) for s in delivery["signature"].split(" ")]
    if any(version == "v1" and hmac.compare_digest(code, expected) for version, code in signatures):
        genuine += 1
    else:
        forged += 1
print(f"{genuine} genuine, {forged} forged")
