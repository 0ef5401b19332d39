#!/usr/bin/env python3
"""Compares dynaseal with an independent implementation of the item format, both directions.

    python3 tests/interop/check.py --jsonl target/debug/examples/jsonl --oracle ../shared/oracle

The other implementation is `verify.py` in the oracle directory. Random configurations and items
come from a seed, which is printed: `--seed` repeats a run, `--only 17` one case of it. What is
claimed of each case:

* what dynaseal seals the oracle opens, and the other way round, to exactly the values of the
  format: signed and unsigned attributes as they were, encrypted ones normalized and sorted;
* a change of anything signed, of the keys or of the header and footer is refused by both;
* a change that normalizes to the same bytes, or touches unsigned attributes only, opens in both.

Differences on purpose (CONTRIBUTING.md) are checked as what they are: an unknown `aws_dbe_*`
attribute is an error here and ignored there.
"""
import argparse
import base64
import glob
import json
import os
import random
import struct
import subprocess
import sys
import time
import uuid

import asymmetric

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
# Generating one takes long, so every case has this one.
with open(os.path.join(ROOT, "tests", "vectors", "keys", "rsa.pem"), encoding="ascii") as file:
    RSA_KEY = file.read()
INCLUDE = "SIGN_AND_INCLUDE_IN_ENCRYPTION_CONTEXT"
HEAD, FOOT = "aws_dbe_head", "aws_dbe_foot"
TAG_LEN, SIGNATURE_LEN = 48, 103

# Lengths in UTF-8, UTF-16 and code points all differ; U+10002 sorts before U+FF61 in UTF-16 only.
LETTERS = "abcxyzKLM019_-. #é߯ж中｡\ufffd\u200d😀\U00010002\U0010fffd"
NAMES = "abcdxyzQRS089_-.éßж中｡😀\U00010002"


# ---------------------------------------------------------------- JSON lines
def to_json(value):
    (kind, v), = value.items()
    if kind == "B":
        return {"B": base64.b64encode(v).decode()}
    if kind == "BS":
        return {"BS": [base64.b64encode(x).decode() for x in v]}
    if kind == "L":
        return {"L": [to_json(x) for x in v]}
    if kind == "M":
        return {"M": {k: to_json(x) for k, x in v.items()}}
    return value


def from_json(value):
    (kind, v), = value.items()
    if kind == "B":
        return {"B": base64.b64decode(v, validate=True)}
    if kind == "BS":
        return {"BS": [base64.b64decode(x, validate=True) for x in v]}
    if kind == "L":
        return {"L": [from_json(x) for x in v]}
    if kind == "M":
        return {"M": {k: from_json(x) for k, x in v.items()}}
    return value


class Ours:
    """The `jsonl` example: many requests, one process."""

    def __init__(self, binary):
        self.binary = binary

    def run(self, verb, requests):
        lines = [json.dumps({"config": config, "item": {k: to_json(v) for k, v in item.items()}})
                 for config, item in requests]
        done = subprocess.run([self.binary, verb], input="\n".join(lines) + "\n",
                              capture_output=True, text=True, encoding="utf-8")
        answers = [json.loads(line) for line in done.stdout.split("\n") if line]
        if done.returncode != 0 or len(answers) != len(requests):
            sys.exit("jsonl %s: exit code %d after %d of %d answers\n%s"
                     % (verb, done.returncode, len(answers), len(requests), done.stderr))
        return [(None, a["error"]) if isinstance(a.get("error"), str)
                else ({k: from_json(v) for k, v in a.items()}, None) for a in answers]


# ---------------------------------------------------------------- random values
class Generator:
    def __init__(self, oracle, rng):
        self.oracle, self.rng = oracle, rng

    def text(self, low, high, letters=LETTERS):
        return "".join(self.rng.choice(letters) for _ in range(self.rng.randint(low, high)))

    def blob(self, low=0, high=40):
        return self.rng.randbytes(self.rng.randint(low, high))

    def number(self):
        """A number in one of its many spellings, within the format's limits."""
        rng = self.rng
        pick = rng.random()
        if pick < 0.1:
            return rng.choice(["0", "-0", "+0.00", "0e999999", ".0", "0.", "000", "-0E-7"])
        if pick < 0.2:
            return rng.choice(["1e-130", "9.9e125", "-" + "9" * 38, "1" + "0" * 60, "5.", ".5", "1E+3",
                               "1e0003", "0." + "0" * 129 + "7", "-00012.500", "9" * 38 + "e88"])
        digits = "".join(rng.choice("0123456789") for _ in range(rng.randint(1, 38)))
        if rng.random() < 0.5:
            at = rng.randint(0, len(digits))
            digits = digits[:at] + "." + digits[at:]
        text = rng.choice(["", "", "-", "+"]) + "0" * rng.choice([0, 0, 1, 5]) + digits
        if "." in digits:
            text += "0" * rng.choice([0, 0, 3])
        if rng.random() < 0.5:
            text += rng.choice("eE") + rng.choice(["", "+", "-"]) + rng.choice(["", "0"]) + str(rng.randint(0, 80))
        return text

    def respell(self, number):
        """Another spelling of the same number."""
        plain = self.oracle.normalize_number(number)
        sign, plain = ("-", plain[1:]) if plain[0] == "-" else (self.rng.choice(["", "+"]), plain)
        return sign + "00" + plain + ("00" if "." in plain else ".00") + self.rng.choice(["", "e0", "E-0"])

    def members(self, make, key=lambda x: x):
        found = {}
        for _ in range(self.rng.randint(0, 6)):
            member = make()
            found[key(member)] = member
        members = list(found.values())
        self.rng.shuffle(members)
        return members

    def value(self, depth=0, kinds=None):
        rng = self.rng
        deep = [] if depth >= 4 else ["M", "L"]
        kind = rng.choice(kinds or ["S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS"] + deep)
        if kind == "S":
            return {"S": self.text(0, 24)}
        if kind == "N":
            return {"N": self.number()}
        if kind == "B":
            return {"B": self.blob()}
        if kind == "BOOL":
            return {"BOOL": rng.random() < 0.5}
        if kind == "NULL":
            return {"NULL": True}
        if kind == "SS":
            return {"SS": self.members(lambda: self.text(0, 6))}
        if kind == "NS":
            return {"NS": self.members(self.number, self.oracle.normalize_number)}
        if kind == "BS":
            return {"BS": self.members(lambda: self.blob(0, 5))}
        if kind == "M":
            return {"M": {self.text(1, 6): self.value(depth + 1) for _ in range(rng.randint(0, 4))}}
        return {"L": [self.value(depth + 1) for _ in range(rng.randint(0, 4))]}

    def nested(self, depth):
        """A value exactly this deep: lists and maps around one leaf."""
        value = {"S": "leaf"}
        for _ in range(depth - 1):
            value = {"L": [value]} if self.rng.random() < 0.5 else {"M": {"k": value}}
        return value

    def key_value(self):
        kind = self.rng.choice("SNB")
        return {kind: {"S": lambda: self.text(1, 20), "N": self.number, "B": lambda: self.blob(1, 20)}[kind]()}

    def name(self, taken):
        while True:
            name = self.text(1, self.rng.choice([1, 3, 8, 20]), NAMES)
            if name.lower() not in taken:
                taken.add(name.lower())
                return name


# ---------------------------------------------------------------- cases
class Case:
    """One configuration and one item, in the words of both implementations."""

    def __init__(self, oracle, label, config, item):
        self.oracle, self.label, self.config, self.item = oracle, label, config, item
        self.theirs = dict(
            table=config["logical_table_name"], pk=config["partition_key"], sk=config.get("sort_key"),
            actions=config["attribute_actions"], unsigned=set(config.get("allowed_unsigned_attributes") or []),
            unsignedPrefix=config.get("allowed_unsigned_prefix"), sig=config["algorithm_suite"] == "0x6701")
        self.keyring = keyring_of(oracle, config)
        self.keyrings = [self.keyring]

    @property
    def position(self):
        return self.keyrings.index(self.keyring)

    def is_unsigned(self, name):
        return self.oracle.is_unsigned(self.theirs, name)

    def is_encrypted(self, name):
        return self.config["attribute_actions"].get(name) == "ENCRYPT_AND_SIGN"

    def expected(self):
        """What opening returns: encrypted values in canonical form, all others as they were."""
        return {name: self.oracle.deser(*self.oracle.ser(value)) if self.is_encrypted(name) else value
                for name, value in self.item.items()}


def keyring_of(oracle, config):
    other = asymmetric.keyring_of(oracle, config)
    if other is not None:
        return other
    if "branch_key" in config:
        branch = config["branch_key"]
        return oracle.StaticHierarchical(branch["id"], uuid.UUID(branch["version"]).bytes, bytes.fromhex(branch["key"]))
    return oracle.RawAes(config["key_namespace"], config["key_name"], bytes.fromhex(config["wrapping_key"]))


def random_case(oracle, label, rng):
    gen = Generator(oracle, rng)
    prefix = rng.choice([None, ":", "__u"])
    taken = set()
    name = lambda: gen.name(taken)
    config = {"logical_table_name": gen.text(1, 12), "partition_key": name(),
              "algorithm_suite": rng.choice(["0x6700", "0x6701"])}
    keys = [config["partition_key"]]
    if rng.random() < 0.6:
        config["sort_key"] = name()
        keys.append(config["sort_key"])
    version_2 = rng.random() < 0.5
    actions = {key: INCLUDE if version_2 else "SIGN_ONLY" for key in keys}
    item = {key: gen.key_value() for key in keys}
    for _ in range(rng.randint(0, 9)):
        actions[name()] = rng.choice(["ENCRYPT_AND_SIGN", "ENCRYPT_AND_SIGN", "SIGN_ONLY"] + [INCLUDE] * version_2)
    for attribute, action in actions.items():
        # Signed and encrypted attributes may be absent; included ones must be there.
        if attribute not in keys and (action == INCLUDE or rng.random() < 0.9):
            item[attribute] = gen.value()
    if rng.random() < 0.1 and "ENCRYPT_AND_SIGN" in actions.values():
        item[next(a for a, action in actions.items() if action == "ENCRYPT_AND_SIGN")] = gen.nested(32)
    unsigned = []
    for _ in range(rng.choice([0, 0, 1, 3])):
        attribute = name()
        if prefix and rng.random() < 0.5:
            attribute = prefix + attribute
        else:
            unsigned.append(attribute)
        if rng.random() < 0.5:
            actions[attribute] = "DO_NOTHING"
        item[attribute] = gen.value()
    config.update(attribute_actions=actions, allowed_unsigned_attributes=unsigned, allowed_unsigned_prefix=prefix)
    kind = rng.random()
    if kind < 0.3:
        config.update(asymmetric.random_config(rng, gen.text, RSA_KEY))
    elif kind < 0.5:
        config["branch_key"] = {"id": gen.text(1, 30), "key": rng.randbytes(32).hex(),
                                "version": str(uuid.UUID(bytes=rng.randbytes(16), version=4))}
    else:
        config.update(key_namespace=gen.text(1, 10), key_name=gen.text(0, 10),
                      wrapping_key=rng.randbytes(rng.choice([16, 24, 32])).hex())
    case = Case(oracle, label, config, shuffled(item, rng))
    others = [oracle.RawAes("another", "k", rng.randbytes(32)),
              oracle.StaticHierarchical("another", rng.randbytes(16), rng.randbytes(32))]
    if isinstance(case.keyring, oracle.RawAes):
        # Named like ours, but another key: tried, refused, and the search goes on.
        others.append(oracle.RawAes(config["key_namespace"], config["key_name"], rng.randbytes(32)))
        others.append(oracle.RawAes(config["key_namespace"], config["key_name"] + "x", rng.randbytes(32)))
    case.keyrings += rng.sample(others, rng.choice([0, 0, 0, 1, 2]))
    rng.shuffle(case.keyrings)
    return case


def shape_cases(oracle, directory):
    for path in sorted(glob.glob(os.path.join(directory, "*.json"))):
        with open(path, encoding="utf-8") as file:
            shape = json.load(file)
        for suite in ("0x6700", "0x6701"):
            item = {k: from_json(v) for k, v in shape["item"].items()}
            config = dict(shape["config"], algorithm_suite=suite)
            yield Case(oracle, "shape %s %s" % (shape["name"], suite), config, item)


def shuffled(mapping, rng):
    pairs = list(mapping.items())
    rng.shuffle(pairs)
    return dict(pairs)


# ---------------------------------------------------------------- tampering
def flip(data, rng):
    at = rng.randrange(len(data) * 8)
    changed = bytearray(data)
    changed[at // 8] ^= 1 << at % 8
    return bytes(changed)


def tamperings(case, sealed, gen, position, recipients):
    """(what, config, item) that must be refused. `position` is our recipient among `recipients`."""
    rng = gen.rng
    change = lambda **values: dict(sealed, **values)
    signed = [n for n in sealed if n not in (HEAD, FOOT) and not case.is_unsigned(n)]
    clear = [n for n in signed if not case.is_encrypted(n)]
    encrypted = [n for n in signed if case.is_encrypted(n)]
    without = lambda *names: {k: v for k, v in sealed.items() if k not in names}
    head, foot = sealed[HEAD]["B"], sealed[FOOT]["B"]
    own = range(position * TAG_LEN, (position + 1) * TAG_LEN)
    covered = list(own) + list(range(recipients * TAG_LEN, len(foot)))
    at = rng.choice(covered)

    yield "a bit of the header", {}, change(**{HEAD: {"B": flip(head, rng)}})
    yield "a bit of the footer", {}, change(**{FOOT: {"B": foot[:at] + flip(foot[at:at + 1], rng) + foot[at + 1:]}})
    yield "header cut short", {}, change(**{HEAD: {"B": head[:rng.randrange(len(head))]}})
    yield "footer cut short", {}, change(**{FOOT: {"B": foot[:rng.randrange(len(foot))]}})
    yield "bytes after the header", {}, change(**{HEAD: {"B": head + gen.blob(1, 3)}})
    yield "bytes after the footer", {}, change(**{FOOT: {"B": foot + rng.randbytes(TAG_LEN)}})
    yield "no header", {}, without(HEAD)
    yield "no footer", {}, without(FOOT)
    yield "neither header nor footer", {}, without(HEAD, FOOT)
    yield "header of another type", {}, change(**{HEAD: {"S": "x"}})
    yield "another logical table", {"logical_table_name": case.config["logical_table_name"] + "2"}, sealed
    yield "an attribute more", {}, change(**{"new attribute": gen.value()})
    yield "a key less", {}, without(case.config["partition_key"])
    name = rng.choice(signed)
    yield "an attribute less", {}, without(name)
    name = rng.choice(clear)
    while (other := gen.value()) and case.oracle.ser(other) == case.oracle.ser(sealed[name]):
        pass
    yield "a signed value", {}, change(**{name: other})
    if len(clear) > 1:
        a, b = rng.sample(clear, 2)
        if case.oracle.ser(sealed[a]) != case.oracle.ser(sealed[b]):
            yield "two signed values swapped", {}, change(**{a: sealed[b], b: sealed[a]})
    if encrypted:
        name = rng.choice(encrypted)
        stored = sealed[name]["B"]
        yield "a bit of an encrypted value", {}, change(**{name: {"B": flip(stored, rng)}})
        yield "an encrypted value cut short", {}, change(**{name: {"B": stored[:rng.randrange(len(stored))]}})
        yield "an encrypted value of another type", {}, change(**{name: {"S": "x" * len(stored)}})
        yield "plaintext for an encrypted value", {}, change(**{name: gen.value(kinds=["S", "N", "BOOL"])})
    if len(encrypted) > 1:
        a, b = rng.sample(encrypted, 2)
        yield "two encrypted values swapped", {}, change(**{a: sealed[b], b: sealed[a]})
    if "branch_key" in case.config:
        branch = case.config["branch_key"]
        wrong = {"branch_key": dict(branch, key=flip(bytes.fromhex(branch["key"]), rng).hex())}
    elif "wrapping_key" not in case.config:
        wrong = asymmetric.with_wrong_key(case.config, rng)
    else:
        wrong = {"wrapping_key": flip(bytes.fromhex(case.config["wrapping_key"]), rng).hex()}
    yield "the wrong key", wrong, sealed


def harmless(case, sealed, gen):
    """(what, item) that must open: the same bytes once normalized, or nothing signed."""
    for name, value in sealed.items():
        (kind, v), = value.items()
        if name in (HEAD, FOOT):
            continue
        if case.is_unsigned(name):
            yield "an unsigned value", dict(sealed, **{name: gen.value()})
        elif case.is_encrypted(name):
            continue
        elif kind == "N":
            yield "another spelling of a signed number", dict(sealed, **{name: {"N": gen.respell(v)}})
        elif kind in ("SS", "NS", "BS") and len(v) > 1:
            yield "another order of a signed set", dict(sealed, **{name: {kind: v[1:] + v[:1]}})


# ---------------------------------------------------------------- the check
class Check:
    def __init__(self, oracle, ours, seed):
        from cryptography.exceptions import InvalidSignature, InvalidTag
        self.oracle, self.ours, self.seed = oracle, ours, seed
        # What the oracle raises on bytes that it does not like; anything else is a bug of this file.
        self.refusal = (oracle.Bad, InvalidTag, InvalidSignature, UnicodeDecodeError, ValueError,
                        KeyError, IndexError, struct.error)
        self.claims, self.failures = {}, []

    def claim(self, what, held, case, detail):
        good, bad = self.claims.get(what, (0, 0))
        self.claims[what] = (good + held, bad + (not held))
        if not held:
            self.failures.append("%s: %s: %s" % (case.label, what, detail))

    def theirs_open(self, case, config, item):
        """(item, None) or (None, reason)."""
        changed = Case(self.oracle, case.label, dict(case.config, **config), case.item)
        try:
            return self.oracle.decrypt_item(changed.theirs, item, changed.keyring), None
        except self.refusal as error:
            return None, "%s: %s" % (type(error).__name__, error)

    def round_trips(self, cases):
        """Both directions; returns the sealed items with our place among their recipients."""
        found = []
        answers = self.ours.run("encrypt", [(c.config, c.item) for c in cases])
        for case, (sealed, error) in zip(cases, answers):
            self.claim("ours is sealed", sealed is not None, case, error)
            if sealed is None:
                continue
            self.claim("ours says what theirs would", self.same_shape(case, sealed), case, "shape differs")
            opened, error = self.theirs_open(case, {}, sealed)
            self.claim("theirs opens ours", opened == case.expected(), case, error or diff(opened, case.expected()))
            found.append((case, sealed, 0, 1))
        theirs = [self.oracle.encrypt_item(c.theirs, c.item, c.keyrings) for c in cases]
        answers = self.ours.run("decrypt", [(c.config, s) for c, s in zip(cases, theirs)])
        for case, sealed, (opened, error) in zip(cases, theirs, answers):
            self.claim("ours opens theirs", opened == case.expected(), case, error or diff(opened, case.expected()))
            found.append((case, sealed, case.position, len(case.keyrings)))
        mine = [(c, s) for c, s, _, _ in found[:len(found) - len(cases)]]
        answers = self.ours.run("decrypt", [(c.config, s) for c, s in mine])
        for (case, _), (opened, error) in zip(mine, answers):
            self.claim("ours opens ours", opened == case.expected(), case, error or diff(opened, case.expected()))
        return found

    def same_shape(self, case, sealed):
        """Version, flavor, legend, stored context and sizes do not depend on randomness."""
        theirs = self.oracle.encrypt_item(case.theirs, case.item, [case.keyring])
        a, b = (self.oracle.parse_header(s[HEAD]["B"]) for s in (sealed, theirs))
        if set(sealed) != set(theirs) or sorted(a["ec"]) != sorted(b["ec"]):
            return False
        if any(a[part] != b[part] for part in ("version", "flavor", "legend")):
            return False
        if [tuple(map(len, e)) for e in a["edks"]] != [tuple(map(len, e)) for e in b["edks"]]:
            return False
        return all(len(v["B"]) == len(theirs[n]["B"]) if n in (HEAD, FOOT) or case.is_encrypted(n)
                   else v == theirs[n] for n, v in sealed.items())

    def tampered(self, found, gen, per_item):
        refused, opened = [], []
        for case, sealed, position, recipients in found:
            options = list(tamperings(case, sealed, gen, position, recipients))
            refused += [(case, *t) for t in gen.rng.sample(options, min(per_item, len(options)))]
            options = list(harmless(case, sealed, gen))
            opened += [(case, *t) for t in gen.rng.sample(options, min(2, len(options)))]
        requests = [(dict(case.config, **config), item) for case, _, config, item in refused]
        for (case, what, config, item), (got, _) in zip(refused, self.ours.run("decrypt", requests)):
            other, _ = self.theirs_open(case, config, item)
            opened_by = "ours " * (got is not None) + "theirs" * (other is not None)
            self.claim("refused by both: " + what, not opened_by, case, "opened by " + opened_by)
        answers = self.ours.run("decrypt", [(case.config, item) for case, _, item in opened])
        for (case, what, item), (got, error) in zip(opened, answers):
            other, reason = self.theirs_open(case, {}, item)
            self.claim("opened by both: " + what, got is not None and got == other, case, error or reason or diff(got, other))

    def unsealable(self, gen):
        """Items that neither seals."""
        attribute = {
            "a set with a member twice": {"SS": ["a", "a"]},
            "a number set with a number twice": {"NS": ["1", "1.0"]},
            "a binary set with a member twice": {"BS": [b"a", b"a"]},
            "39 digits": {"N": "1" * 39},
            "a number too large": {"N": "1e126"},
            "a number too small": {"N": "1e-131"},
            "no number": {"N": "1..2"},
            "an empty number": {"N": ""},
            "33 levels": gen.nested(33),
        }
        attempts = []
        for action in ("ENCRYPT_AND_SIGN", "SIGN_ONLY"):
            config = {"logical_table_name": "t", "partition_key": "pk", "algorithm_suite": "0x6700",
                      "attribute_actions": {"pk": "SIGN_ONLY", "x": action}, "key_namespace": "n", "key_name": "k",
                      "wrapping_key": "07" * 32}
            for what, value in attribute.items():
                attempts.append(Case(self.oracle, "%s, %s" % (what, action), config, {"pk": {"S": "a"}, "x": value}))
            for what, item in {"no key": {"x": {"S": "a"}}, "no action": {"pk": {"S": "a"}, "y": {"S": "a"}},
                               "a reserved name": {"pk": {"S": "a"}, "aws_dbe_x": {"S": "a"}}}.items():
                attempts.append(Case(self.oracle, what, config, item))
        for case, (got, _) in zip(attempts, self.ours.run("encrypt", [(c.config, c.item) for c in attempts])):
            try:
                other = self.oracle.encrypt_item(case.theirs, case.item, case.keyrings)
            except self.refusal:
                other = None
            sealed_by = "ours " * (got is not None) + "theirs" * (other is not None)
            self.claim("sealed by neither", not sealed_by, case, "sealed by " + sealed_by)

    def differences(self, found, rng):
        """Where dynaseal is stricter on purpose, and where it must not be."""
        some = rng.sample(found, min(20, len(found)))
        unknown = [(c.config, dict(s, aws_dbe_zzz={"S": "x"})) for c, s, _, _ in some]
        for (case, *_), (got, _) in zip(some, self.ours.run("decrypt", unknown)):
            self.claim("refused by ours alone: an unknown aws_dbe_ attribute", got is None, case, "it opened")
        beacons = [(c.config, dict(s, aws_dbe_b_x={"S": "x"}, **{"aws_dbe_v_1": {"S": " "}})) for c, s, _, _ in some]
        for (case, *_), (got, error) in zip(some, self.ours.run("decrypt", beacons)):
            self.claim("opened by both: beacons beside it", got == case.expected(), case, error or "differs")

    def report(self):
        width = max(map(len, self.claims))
        for what, (good, bad) in self.claims.items():
            print("  %-*s %6d ok%s" % (width, what, good, ", %d FAILED" % bad if bad else ""))
        for failure in self.failures[:20]:
            print("FAILED " + failure)
        bad = len(self.failures)
        print("interop result: %s. %d passed; %d failed; seed %d"
              % ("FAILED" if bad else "ok", sum(g for g, _ in self.claims.values()), bad, self.seed))
        return 1 if bad else 0


def diff(got, expected):
    if got is None:
        return "not opened"
    for name in sorted(set(got) | set(expected)):
        if got.get(name) != expected.get(name):
            return "`%s` is %.200r, expected %.200r" % (name, got.get(name), expected.get(name))
    return "equal"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--jsonl", default=os.path.join(ROOT, "target", "debug", "examples", "jsonl"))
    parser.add_argument("--oracle", default=os.path.join(ROOT, "..", "shared", "oracle"))
    parser.add_argument("--shapes", default=os.path.join(ROOT, "benches", "shapes"))
    parser.add_argument("--seed", type=int, default=None, help="default: the time")
    parser.add_argument("--count", type=int, default=400, help="random cases")
    parser.add_argument("--tamper", type=int, default=8, help="changes tried on each sealed item")
    parser.add_argument("--only", type=int, default=None, help="one case of the seed")
    args = parser.parse_args()
    sys.dont_write_bytecode = True
    sys.path.insert(0, args.oracle)
    try:
        import verify
    except ImportError as error:
        sys.exit("the oracle cannot be loaded: %s" % error)
    seed = time.time_ns() // 1_000_000 if args.seed is None else args.seed
    print("interop: %d random cases, seed %d" % (args.count, seed), flush=True)
    numbers = range(args.count) if args.only is None else [args.only]
    cases = [random_case(verify, "case %d" % n, random.Random("%d/%d" % (seed, n))) for n in numbers]
    if args.only is None:
        cases += shape_cases(verify, args.shapes)
    check = Check(verify, Ours(args.jsonl), seed)
    gen = Generator(verify, random.Random("%d/tamper" % seed))
    found = check.round_trips(cases)
    check.tampered(found, gen, args.tamper)
    if args.only is None:
        check.unsealable(gen)
        check.differences(found, gen.rng)
    return check.report()


if __name__ == "__main__":
    sys.exit(main())
