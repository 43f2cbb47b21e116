"""Judges conditions by the table of reference/standards.md §7.1, independently of the Swift code: lines of
{"condition": …, "at": …, "request": …, "identity": …, "resource": …} in, one word a line out. `request` null: not given."""
import base64
import binascii
import datetime
import decimal
import ipaddress
import json
import re
import sys
import zoneinfo

YES, NO, OPEN, UNEVALUABLE = "yes", "no", "open", "unevaluable"
ABSENT, HIDDEN = object(), object()
FAMILIES = {
    "StringEquals": "text", "StringEqualsIgnoreCase": "fold", "StringLike": "like", "NumericEquals": "number",
    "NumericLessThan": "number", "NumericLessThanEquals": "number", "NumericGreaterThan": "number",
    "NumericGreaterThanEquals": "number", "DateEquals": "date", "DateLessThan": "date", "DateLessThanEquals": "date",
    "DateGreaterThan": "date", "DateGreaterThanEquals": "date", "Bool": "bool", "BinaryEquals": "binary",
    "IpAddress": "ip", "ArnEquals": "arn", "ArnLike": "arn",
}
NEGATED = {
    "StringNotEquals": "StringEquals", "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike", "NumericNotEquals": "NumericEquals", "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress", "ArnNotEquals": "ArnEquals", "ArnNotLike": "ArnLike",
}


class Unevaluable(Exception):
    pass


class Open(Exception):
    pass


def as_text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return value
    raise Unevaluable


def look_up(key, question):
    origin, name = key.split(".", 1)
    if origin == "time":
        name, _, zone = name.partition("@")
        at = datetime.datetime.fromisoformat(question["at"].replace("Z", "+00:00"))
        local = at.astimezone(zoneinfo.ZoneInfo(zone or "UTC"))
        return [{
            "now": question["at"], "hour": local.hour, "minute": local.minute, "weekday": local.isoweekday(),
            "day": local.day, "month": local.month, "year": local.year, "date": local.strftime("%Y-%m-%d"),
        }[name]]
    place = question[origin]
    if place is None:
        raise Open
    value = place.get(name, ABSENT)
    if value is ABSENT or value is None:
        return ABSENT
    if isinstance(value, dict):
        return HIDDEN
    values = value if isinstance(value, list) else [value]
    return values or ABSENT


def pieces(text, question):
    """The text as literals and wildcards, variables replaced."""
    for part in re.split(r"(\$\{[^}]*\}|\*|\?)", text):
        if part in ("*", "?"):
            yield ("wild", part)
        elif part.startswith("${"):
            inner = part[2:-1]
            if inner in ("*", "?", "$"):
                yield ("text", inner)
                continue
            match = re.fullmatch(r"([^,]*?) *(?:, *'(.*)')?", inner)
            found = look_up(match[1], question)
            if found is HIDDEN or (found is not ABSENT and len(found) > 1):
                raise Unevaluable
            if found is ABSENT:
                if match[2] is None:
                    raise Unevaluable
                yield ("text", match[2])
            else:
                yield ("text", as_text(found[0]))
        elif part:
            yield ("text", part)


def plain(text, question):
    return "".join(p for _, p in pieces(text, question))


def pattern(parts):
    return "".join({"*": ".*", "?": "."}[p] if kind == "wild" else re.escape(p) for kind, p in parts)


def number(text):
    if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text):
        raise Unevaluable
    return decimal.Decimal(text)


def date(text):
    if re.fullmatch(r"-?[0-9]+", text) and len(text) != 4:
        return decimal.Decimal(text)
    for shape, rest in ((r"\d{4}", "-01-01"), (r"\d{4}-\d\d", "-01"), (r"\d{4}-\d\d-\d\d", "")):
        if re.fullmatch(shape, text):
            text += rest + "T00:00:00Z"
            break
    # The profile of NOTE-datetime: minutes at least, and a fraction only of seconds.
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)", text, re.IGNORECASE | re.ASCII):
        raise Unevaluable
    try:
        moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise Unevaluable
    if moment.tzinfo is None:
        raise Unevaluable
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return decimal.Decimal((moment - epoch) // datetime.timedelta(microseconds=1)) / 1000000


def compared(base, value, wanted):
    for suffix, test in (("LessThanEquals", value <= wanted), ("LessThan", value < wanted),
                         ("GreaterThanEquals", value >= wanted), ("GreaterThan", value > wanted)):
        if base.endswith(suffix):
            return test
    return value == wanted


def matches(base, value, operand, question):
    family, text = FAMILIES[base], as_text(value)
    if family == "text":
        return text == plain(operand, question)
    if family == "fold":
        return text.lower() == plain(operand, question).lower()
    if family == "bool":
        if text not in ("true", "false"):
            raise Unevaluable
        return text == plain(operand, question)
    if family == "like":
        return re.fullmatch(pattern(pieces(operand, question)), text, re.S) is not None
    if family == "number":
        return compared(base, number(text), number(operand))
    if family == "date":
        return compared(base, date(text), date(operand))
    if family == "binary":
        try:
            return base64.b64decode(text, validate=True) == base64.b64decode(operand)
        except binascii.Error:
            raise Unevaluable
    if family == "ip":
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            raise Unevaluable
        block = ipaddress.ip_network(operand)
        return address.version == block.version and address in block
    if family == "arn":
        names, patterns = text.split(":", 5), operand.split(":", 5)
        if len(names) != 6:
            return False
        return all(re.fullmatch(pattern(pieces(p, question)), n, re.S) for n, p in zip(names, patterns))


def clause(operator, key, operands, question):
    base, quantifier, if_exists = operator, None, False
    for prefix in ("ForAnyValue:", "ForAllValues:"):
        if base.startswith(prefix):
            base, quantifier = base[len(prefix):], prefix
    if base.endswith("IfExists"):
        base, if_exists = base[:-len("IfExists")], True
    found = look_up(key, question)
    if base == "Null":
        return (found is ABSENT) in [as_text(o) == "true" for o in operands]
    negated = base in NEGATED
    base = NEGATED.get(base, base)
    if found is ABSENT:
        if if_exists or quantifier == "ForAllValues:":
            return True
        return False if quantifier else negated
    if found is HIDDEN:
        raise Unevaluable
    operands = [as_text(o) for o in operands]
    # Variables are resolved before anything is compared: one without a value leaves the whole comparison open or unevaluable.
    if FAMILIES[base] in ("text", "fold", "like", "bool", "arn"):
        for operand in operands:
            list(pieces(operand, question))
    if quantifier is None and len(found) != 1:
        raise Unevaluable
    results = []
    for value in found:
        try:
            results.append(any([matches(base, value, o, question) for o in operands]) != negated)
        except Unevaluable:
            results.append(None)
    if quantifier == "ForAnyValue:":
        if True in results:
            return True
        if None in results:
            raise Unevaluable
        return False
    if False in results:
        return False
    if None in results:
        raise Unevaluable
    return True


def judge(question):
    outcomes = []
    for operator, keys in question["condition"].items():
        for key, operands in keys.items():
            try:
                holds = clause(operator, key, operands if isinstance(operands, list) else [operands], question)
                outcomes.append(YES if holds else NO)
            except Open:
                outcomes.append(OPEN)
            except Unevaluable:
                outcomes.append(UNEVALUABLE)
    for worst in (NO, UNEVALUABLE, OPEN):
        if worst in outcomes:
            return worst
    return YES


for line in sys.stdin:
    print(judge(json.loads(line)))
