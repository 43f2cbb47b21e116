"""Decides questions about small organisations with Cedar: one JSON object a line in, one line of decisions out.

An organisation becomes entities (identities and groups with the groups that they belong to, roles with the roles that include
them, paths with the paths above them) and policies: one for each assignment and permission, whose roles Cedar brings together,
and one for each deny and boundary. Cedar knows groups, inclusions, scopes, wildcards and that a forbid overrides any permit.
"""
import json
import sys

import cedarpy


def quoted(text):
    return json.dumps(text, ensure_ascii=False)


def entity(text):
    kind, name = text.split(":", 1)
    return {"identity": "Identity", "group": "Group"}[kind] + "::" + quoted(name)


def like(what, patterns):
    return "(" + " || ".join(f"{what} like {quoted(p)}" for p in patterns) + ")"


def matches(permission):
    return like("context.action", permission["actions"]) + " && " + like("resource.path", permission["resources"])


def concerned(rule):
    def among(names):
        return "(" + (" || ".join(f"principal in {entity(n)}" for n in names) or "false") + ")"

    subjects = "true" if rule["principals"] is None else among(rule["principals"])
    return f"{subjects} && !{among(rule['except'])}"


def policies(organisation):
    for assignment in organisation["assignments"]:
        scope = "Path::" + quoted(assignment["scope"])
        for role, document in organisation["roles"].items():
            reached = f"Role::{quoted(role)} in Role::{quoted(assignment['role'])}"
            for permission in document["permissions"]:
                effect = "permit" if permission["effect"] == "allow" else "forbid"
                yield (f"{effect}(principal in {entity(assignment['principal'])}, action, resource in {scope})"
                       f" when {{ {reached} && {matches(permission)} }};")
    for rule in organisation["denies"]:
        yield f"forbid(principal, action, resource) when {{ {concerned(rule)} && {matches(rule)} }};"
    for rule in organisation["boundaries"]:
        within = " || ".join(matches(p) for p in rule["permissions"]) or "false"
        yield f"forbid(principal, action, resource) when {{ {concerned(rule)} }} unless {{ {within} }};"


def record(kind, name, parents, **attributes):
    return {"uid": {"type": kind, "id": name}, "attrs": attributes, "parents": [{"type": k, "id": n} for k, n in parents]}


def entities(organisation, asked):
    groups = organisation["member_of"]
    for name in organisation["identities"]:
        yield record("Identity", name, [("Group", g) for g in groups.get("identity:" + name, [])])
    for name in organisation["groups"]:
        yield record("Group", name, [("Group", g) for g in groups.get("group:" + name, [])])
    roles = organisation["roles"]
    for name in roles:
        yield record("Role", name, [("Role", outer) for outer in roles if name in roles[outer]["includes"]])
    paths = {"*"}
    for path in asked | {a["scope"] for a in organisation["assignments"]} - {"*"}:
        parts = path.split("/")
        paths |= {"/".join(parts[:n]) for n in range(1, len(parts) + 1)}
    for path in paths:
        above = [] if path == "*" else [path.rsplit("/", 1)[0]] if "/" in path else ["*"]
        yield record("Path", path, [("Path", p) for p in above], path=path)


for line in sys.stdin:
    organisation = json.loads(line)
    requests = [{
        "principal": "Identity::" + quoted(identity), "action": 'Action::"do"', "resource": "Path::" + quoted(resource),
        "context": {"action": action},
    } for identity, action, resource in organisation["asks"]]
    known = list(entities(organisation, {resource for _, _, resource in organisation["asks"]}))
    answers = cedarpy.is_authorized_batch(requests, "\n".join(policies(organisation)), known)
    for answer in answers:
        assert not answer.diagnostics.errors, answer.diagnostics.errors
    print("".join("A" if answer.allowed else "D" for answer in answers))
