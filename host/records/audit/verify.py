#!/usr/bin/env python3
"""Verifies an export of Overt's audit log, with nothing but Python's standard library.

    verify.py EXPORT [--head LODGED]...

Prints one line of JSON. Exit status: 0 proven, 1 broken, 2 a mistake, 3 nothing is wrong and the tail is unproven.
The format and the verdicts are described in ../AUDIT.md. The steps and their order are those of
../src/audit/verify.rs: what one says the other has to say.
"""

import functools
import hashlib
import json
import re
import sys
from collections import Counter

FORMAT = 1
HASH = re.compile(r"[0-9a-f]{64}\Z")


# ---- Ed25519, RFC 8032: verification of a signature, for reading and not for speed.

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT = pow(2, (P - 1) // 4, P)  # a square root of -1


def point(encoded):
    """A point of the curve, in extended coordinates; None where the bytes stand for none."""
    y = int.from_bytes(encoded, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


def add(one, other):
    x1, y1, z1, t1 = one
    x2, y2, z2, t2 = other
    a, b = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    c, d = 2 * t1 * t2 * D % P, 2 * z1 * z2 % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def multiply(number, base):
    product = (0, 1, 1, 0)
    while number:
        if number & 1:
            product = add(product, base)
        base = add(base, base)
        number >>= 1
    return product


BASE = point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


@functools.lru_cache(maxsize=1024)
def is_signed(key, message, signature):
    public, r = point(key), point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if public is None or r is None or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    left, right = multiply(s, BASE), add(r, multiply(h, public))
    same = lambda i: (left[i] * right[2] - right[i] * left[2]) % P == 0
    return same(0) and same(1)


# ---- The lines.


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def is_number(value):
    return type(value) is int and 0 <= value < 2**64


def read_json(data):
    """A JSON object, or None."""
    try:
        value = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def read_hash(value):
    return bytes.fromhex(value) if isinstance(value, str) and HASH.match(value) else None


def split(line, first, digits, second):
    """What stands in `{"first":"…digits…","second":REST}`: the digits as bytes, and REST as it stands."""
    start, middle = b'{"' + first + b'":"', b'","' + second + b'":'
    end = len(start) + digits
    hexadecimal, rest = line[len(start) : end], line[end:]
    if not (line.startswith(start) and rest.startswith(middle) and rest.endswith(b"}")):
        return None
    if not re.fullmatch(rb"[0-9a-f]{%d}" % digits, hexadecimal):
        return None
    return bytes.fromhex(hexadecimal.decode()), rest[len(middle) : -1]


def read_header(line):
    header = read_json(line)
    if header is None or list(header) != ["overt-audit", "deployment", "store", "key", "events"]:
        return None
    is_written_so = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode() == line
    is_well = (
        header["overt-audit"] == FORMAT
        and isinstance(header["deployment"], str)
        and isinstance(header["store"], str)
        and re.fullmatch("[0-9a-f]{32}", header["store"])
        and read_hash(header["key"])
        and is_number(header["events"])
    )
    return header if is_well and is_written_so else None


def read_head(line):
    """A signed head: its fields, where it is signed by the key that it names."""
    parts = split(line, b"signature", 128, b"head")
    head = parts and read_json(parts[1])
    if not head or set(head) != {"format", "deployment", "store", "key", "number", "hash", "at"}:
        return None
    key, digest = read_hash(head["key"]), read_hash(head["hash"])
    if head["format"] != FORMAT or not key or not digest or not is_number(head["number"]):
        return None
    return head if is_signed(key, b"overt audit head v1\0" + parts[1], parts[0]) else None


def is_of(head, header):
    return all(head[name] == header[name] for name in ("deployment", "store", "key"))


def read_ranges(facts):
    """The ranges of events that a `content-destroyed` names: first and last."""
    ranges = facts.get("events") if isinstance(facts, dict) else None
    is_range = lambda value: isinstance(value, list) and len(value) == 2 and all(map(is_number, value))
    return ranges if isinstance(ranges, list) and all(map(is_range, ranges)) else []


def read_line(line, header):
    """(what, number, hash, previous, number of a lost head, ranges of events whose content went): what is
    event, left-out, gone, head; or None: unsound."""
    lost, went = None, []
    if parts := split(line, b"hash", 64, b"event"):
        what, body, digest = "event", read_json(parts[1]), sha256(parts[1])
        if body and body.get("kind") == "rollback-found":
            facts = body.get("facts")
            lost = facts.get("number") if isinstance(facts, dict) else None
            lost = lost if is_number(lost) else body.get("number")
        if body and body.get("kind") == "content-destroyed":
            went = read_ranges(body.get("facts"))
    elif stub := [name for name in ("left_out", "gone") if split(line, b"hash", 64, name.encode())]:
        what, parts = stub[0].replace("_", "-"), split(line, b"hash", 64, stub[0].encode())
        body = read_json(parts[1])
        if not body or set(body) != {"number", "previous", "body_sha256"}:
            return None
        digest = read_hash(body["body_sha256"])
    else:
        head = read_head(line)
        if head is None or not is_of(head, header):
            return None
        return ("head", head["number"], bytes.fromhex(head["hash"]), None, None, [])
    previous = body and read_hash(body.get("previous"))
    if not previous or not digest or not is_number(body.get("number")):
        return None
    if sha256(b"overt audit event v1\0", previous, digest) != parts[0]:
        return None
    return (what, body["number"], parts[0], previous, lost, went)


# ---- The walk.


def is_told(tellers, event):
    """Whether a later event says that the content of this one went."""
    later = (line for line in tellers if line[1] > event)
    return any(first <= event <= last for line in later for first, last in line[5])


def walk(header, lines, is_cut):
    """Returns (hashes by number, None), or (None, (kind, event)): the first thing that is wrong."""
    genesis = sha256(
        b"overt audit begin v1\0", header["store"].encode(), b"\0", header["deployment"].encode()
    )
    events = Counter(line[1] for line in lines if line and line[0] != "head")
    heads = Counter(line[1] for line in lines if line and line[0] == "head")
    tellers = [line for line in lines if line and line[5]]
    hashes, rollback = [genesis], None
    for line in lines:
        last, expected = len(hashes) - 1, len(hashes)
        if line is None:
            return None, ("inserted" if events[expected] else "changed", expected)
        what, number, digest, previous, lost, _ = line
        if what == "head":
            if number == last:
                if digest != hashes[last]:
                    return None, ("changed", last)
            elif heads[number] > 1:
                return None, ("inserted", number)
            elif number < expected or events[expected]:
                return None, ("reordered", number)
            elif any(later >= expected for later in events):
                return None, ("dropped", expected)
            else:
                return None, ("cut", expected)
        elif number == expected:
            if previous != hashes[last]:
                if events[expected] > 1:
                    return None, ("inserted", expected)
                return None, ("changed", max(last, 1))
            if what == "gone" and not is_told(tellers, expected):
                return None, ("dropped", expected)
            hashes.append(digest)
            rollback = lost if rollback is None else rollback
        elif number < expected:
            return None, ("inserted", number)
        elif not events[expected]:
            return None, ("dropped", expected)
        elif events[number] > 1:
            return None, ("inserted", number)
        else:
            return None, ("reordered", expected)
    last = len(hashes) - 1
    has_last_head = bool(lines) and lines[-1][0] == "head"
    if is_cut or (last == header["events"] and not has_last_head) or last < header["events"]:
        return None, ("cut", last + 1)
    if last > header["events"]:
        return None, ("inserted", header["events"] + 1)
    if rollback is not None:
        return None, ("rolled-back", rollback)
    return hashes, None


def verify(export, lodged):
    """Verifies an export (bytes) against lodged heads (as read_head returns them)."""
    *lines, rest = export.split(b"\n")
    header = read_header(lines[0]) if lines else None
    if header is None:
        return {"verdict": "broken", "kind": "changed", "event": 0, "proven_to": 0}
    hashes, broken = walk(header, [read_line(line, header) for line in lines[1:]], rest != b"")
    proven = 0
    for head in sorted(lodged, key=lambda head: head["number"]) if hashes else []:
        number = head["number"]
        if not is_of(head, header):
            broken = ("foreign", number)
        elif number >= len(hashes) or hashes[number].hex() != head["hash"]:
            broken = ("rolled-back", number)
        if broken:
            break
        proven = number
    if broken:
        return {"verdict": "broken", "kind": broken[0], "event": broken[1], "proven_to": proven}
    is_proven = lodged and proven == header["events"]
    return {"verdict": "proven" if is_proven else "tail-unproven", "proven_to": proven}


def main(arguments):
    options, paths = arguments[1::2], arguments[0::2]
    if len(paths) != len(options) + 1 or paths[0].startswith("-") or set(options) - {"--head"}:
        print(__doc__, file=sys.stderr)
        return 2
    heads = []
    for path in paths[1:]:
        with open(path, "rb") as file:
            heads.append(read_head(file.read().removesuffix(b"\n")))
        if heads[-1] is None:
            print(f"{path}: no signed head of an audit log, or it was changed", file=sys.stderr)
            return 2
    with open(paths[0], "rb") as file:
        result = verify(file.read(), heads)
    print(json.dumps(result))
    return {"proven": 0, "broken": 1, "tail-unproven": 3}[result["verdict"]]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
