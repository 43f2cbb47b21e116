"""Decisions by pycasbin and by cedarpy about the organisation in a file; one line of JSON with the seconds of each decision.

Each gets what it is best at: pycasbin its enforcer that looks policies up by action and resource, with the included roles
written out beforehand; cedarpy one batch, so that its policies and entities are read once. Reads {"parents": {member: [group]},
"policies": [[principal, resource, action]], "questions": [[identity, action, resource, is_allowed]]}."""
import json
import logging
import sys
import tempfile
import time

import casbin
import cedarpy

MODEL = """
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act
"""


def by_pycasbin(data):
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as model:
        model.write(MODEL)
        model.flush()
        enforcer = casbin.FastEnforcer(model.name, cache_key_order=[2, 1])  # by action, then by resource
    enforcer.add_policies([list(policy) for policy in data["policies"]])
    enforcer.add_grouping_policies([[member, group] for member, groups in data["parents"].items() for group in groups])
    start = time.perf_counter()
    answers = [enforcer.enforce(identity, resource, action) for identity, action, resource, _ in data["questions"]]
    return time.perf_counter() - start, answers


def by_cedarpy(data):
    def entity(name):
        return {"type": "Principal", "id": name}

    policies = "\n".join(
        f"permit (principal in Principal::{json.dumps(principal)}, action == Action::{json.dumps(action)}, "
        f"resource == Resource::{json.dumps(resource)});" for principal, resource, action in data["policies"])
    names = set(data["parents"]) | {group for groups in data["parents"].values() for group in groups}
    entities = [{"uid": entity(name), "attrs": {}, "parents": [entity(group) for group in data["parents"].get(name, [])]}
                for name in sorted(names)]
    requests = [{"principal": f"Principal::{json.dumps(identity)}", "action": f"Action::{json.dumps(action)}",
                 "resource": f"Resource::{json.dumps(resource)}", "context": {}}
                for identity, action, resource, _ in data["questions"]]
    start = time.perf_counter()
    results = cedarpy.is_authorized_batch(requests, policies, entities)
    return time.perf_counter() - start, [result.decision == cedarpy.Decision.Allow for result in results]


def main():
    logging.disable(logging.WARNING)  # pycasbin logs each decision
    with open(sys.argv[1]) as file:
        data = json.load(file)
    expected = [question[3] for question in data["questions"]]
    report = {}
    for name, decide in (("pycasbin", by_pycasbin), ("cedarpy", by_cedarpy)):
        seconds, answers = decide(data)
        if answers != expected:
            different = sum(a != b for a, b in zip(answers, expected))
            sys.exit(f"{name} decides {different} of {len(expected)} questions otherwise")
        report[name] = seconds / len(expected)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
