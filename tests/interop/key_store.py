#!/usr/bin/env python3
"""Branch keys, in both directions: a key store written from the description of the format, and items under it
sealed and opened by an independent implementation of the item format.

    python3 tests/interop/key_store.py --cloud target/debug/examples/interop_cloud --oracle ../shared/oracle

The other implementation of items is `verify.py` in the oracle directory; that of key stores is this file, which
sees the rows of the table as an administrator does and asks KMS (a double) itself. Branch keys are made and
rotated by either side in turn. What is claimed after each turn:

* the rows are of the format, to the attribute, and KMS opens each under the context that follows from the
  row, and under no other; the active row and its version row have the same key;
* what dynaseal seals the oracle opens, and the other way round, and so with all that was sealed before;
* dynaseal seals under the active version.

At the end rows are changed in one way at a time: dynaseal then refuses. Random cases come from a seed, which
is printed: `--seed` repeats a run, `--only 3` one case of it.
"""
import argparse
import datetime
import os
import random
import re
import sys
import time
import uuid

import check
from check import INCLUDE, ROOT, Generator, diff, flip
from cloud import Cloud, Refused

ACTIVE, BEACON, VERSION = "branch:ACTIVE", "beacon:ACTIVE", "branch:version:"
CUSTOM = "aws-crypto-ec:"
UUID_4 = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
CREATED = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
# As implementations write it: by Java with as many digits as are needed.
FRACTIONS = ["", ".7", ".358", ".123456", ".123456789"]
# Of all cases, because it takes seconds to make; each has its own logical name.
TABLE = "key-store"
PROVIDER = b"aws-kms-hierarchy"


# ---------------------------------------------------------------- the format of a key store
def kms_context(row, logical_name):
    """What KMS binds the key of a row to."""
    context = {name: value for name, typed in row.items() if name != "enc" for value in typed.values()}
    return dict(context, tablename=logical_name)


def make_row(cloud, store, kms_arn, key, created, branch_id, kind, custom, version=None):
    row = {"branch-key-id": {"S": branch_id}, "type": {"S": kind}, "kms-arn": {"S": kms_arn},
           "create-time": {"S": created}, "hierarchy-version": {"N": "1"}}
    row.update({CUSTOM + name: {"S": value} for name, value in custom.items()})
    if version:
        row["version"] = {"S": version}
    context = kms_context(row, store["logical_name"])
    return dict(row, enc={"B": cloud.kms_encrypt(kms_arn, context, key)})


def misfit(row, branch_id, custom, kms_arn):
    """What is wrong with a row that dynaseal wrote, or nothing."""
    kind = row["type"].get("S", "")
    types = {"branch-key-id": "S", "type": "S", "enc": "B", "kms-arn": "S", "create-time": "S",
             "hierarchy-version": "N"}
    types.update({CUSTOM + name: "S" for name in custom})
    if kind == ACTIVE:
        types["version"] = "S"
    if {name: "".join(value) for name, value in row.items()} != types:
        return "attributes are %r" % sorted((name, *value) for name, value in row.items())
    if kind not in (ACTIVE, BEACON) and not re.fullmatch(VERSION + UUID_4, kind):
        return "the type is %r" % kind
    if kind == ACTIVE and not re.fullmatch(VERSION + UUID_4, row["version"]["S"]):
        return "the version is %r" % row["version"]
    expected = {"branch-key-id": branch_id, "kms-arn": kms_arn}
    expected.update({CUSTOM + name: value for name, value in custom.items()})
    for name, value in expected.items():
        if row[name] != {"S": value}:
            return "`%s` is %r, expected %r" % (name, row[name], value)
    if row["hierarchy-version"] != {"N": "1"} or not row["enc"]["B"]:
        return "no key of hierarchy version 1"
    created = row["create-time"]["S"]
    if not re.fullmatch(CREATED, created):
        return "created at %r" % created
    age = datetime.datetime.now(datetime.timezone.utc) - datetime.datetime.fromisoformat(created.replace("Z", "+00:00"))
    return None if abs(age) < datetime.timedelta(hours=1) else "created %s ago" % age


class BranchKey:
    """One branch key of a table, read by this file alone; a recipient, in the words of the oracle."""

    def __init__(self, oracle, cloud, store, branch_id):
        self.oracle, self.cloud, self.store, self.id = oracle, cloud, store, branch_id
        self.rows, self.keys = {}, {}
        self.reload()

    def reload(self):
        rows = self.cloud.rows(self.store["table"], self.id)
        self.rows, self.keys = {row["type"]["S"]: row for row in rows}, {}

    @property
    def active(self):
        return self.rows[ACTIVE]["version"]["S"]

    def key(self, kind):
        """The key of a row, or nothing if KMS refuses."""
        if kind not in self.keys:
            self.oracle.need(kind in self.rows, "no such row")
            row = self.rows[kind]
            context = kms_context(row, self.store["logical_name"])
            self.keys[kind] = self.cloud.kms_decrypt(row["kms-arn"]["S"], context, row["enc"]["B"])
        return self.keys[kind]

    def recipient(self, kind):
        key = self.key(kind)
        self.oracle.need(key is not None, "KMS refused")
        return self.oracle.StaticHierarchical(self.id, uuid.UUID(kind[len(VERSION):]).bytes, key)

    def wrap(self, key, context):
        return self.recipient(self.active).wrap(key, context)

    def unwrap(self, provider, info, wrapped, context):
        self.oracle.need(provider == PROVIDER and len(wrapped) == 92, "not of a branch key")
        kind = VERSION + str(uuid.UUID(bytes=wrapped[28:44]))
        return self.recipient(kind).unwrap(provider, info, wrapped, context)


# ---------------------------------------------------------------- cases
def custom_context(gen, low):
    return {gen.text(1, 8): gen.text(1, 20) for _ in range(gen.rng.randint(low, 3))}


def new_version():
    return VERSION + str(uuid.uuid4())


class Case:
    """One branch key that items lie under, and another one beside it."""

    def __init__(self, test, number, keys):
        self.test, self.cloud, self.oracle = test, test.cloud, test.oracle
        self.label, self.number = "case %d" % number, number
        self.rng = random.Random("%d/%d" % (test.seed, number))
        self.gen = Generator(self.oracle, self.rng)
        mrk, single, self.foreign_key = keys
        configured, stored = self.rng.choice([(single, [single]), (mrk["primary"], list(mrk.values())),
                                              (mrk["replica"], list(mrk.values()))])
        self.store = {"table": TABLE, "logical_name": self.gen.text(1, 20), "kms_key": configured}
        self.stored_keys = stored
        self.second = 0
        self.items = []
        self.other = BranchKey(self.oracle, self.cloud, self.store, self.create_theirs("another of " + self.label, {}))
        self.branch_key = None

    def claim(self, what, held, detail):
        self.test.claim(what, held, self, detail)

    # ------------------------------------------------------------ turns
    def created(self):
        """Later each time, and long ago."""
        self.second += 1
        return "2024-02-29T23:59:%02d%sZ" % (self.second, self.rng.choice(FRACTIONS))

    def create_theirs(self, branch_id, custom):
        kms_arn, created, version = self.rng.choice(self.stored_keys), self.created(), new_version()
        row = lambda key, *rest: make_row(self.cloud, self.store, kms_arn, key, created, branch_id, *rest)
        key = os.urandom(32)
        rows = [row(key, version, custom), row(key, ACTIVE, custom, version), row(os.urandom(32), BEACON, custom)]
        self.cloud.put_rows(self.store["table"], rows)
        return branch_id

    def create(self, by):
        given = None if by == "ours" and self.rng.random() < 0.4 else "%s/%d" % (self.gen.text(1, 30), self.number)
        custom = custom_context(self.gen, 0 if given is None else 1)
        if by == "ours":
            branch_id = self.cloud.must("create_key", store=self.store, id=given, context=custom)["id"]
            is_id = branch_id == given if given else re.fullmatch(UUID_4, branch_id)
            self.claim("a branch key has the id that was given, or a UUID", bool(is_id), branch_id)
        else:
            branch_id = self.create_theirs(given, custom)
        self.branch_key = BranchKey(self.oracle, self.cloud, self.store, branch_id)
        self.custom = custom
        written = set(self.branch_key.rows)
        self.claim("a branch key starts with three rows", len(written) == 3 and {ACTIVE, BEACON} < written, written)
        if by == "ours":
            self.check_written(written, self.store["kms_key"])
            self.check_same_time(written)

    def rotate(self, by):
        branch_key = self.branch_key
        before, kms_arn = branch_key.rows, branch_key.rows[ACTIVE]["kms-arn"]["S"]
        if by == "ours":
            answer = self.cloud.must("version_key", store=self.store, id=branch_key.id)
            version = VERSION + answer["version"]
        else:
            version, created, key = new_version(), self.created(), os.urandom(32)
            row = lambda *rest: make_row(self.cloud, self.store, kms_arn, key, created, branch_key.id, *rest)
            rows = [row(version, self.custom), row(ACTIVE, self.custom, version)]
            self.cloud.put_rows(self.store["table"], rows)
        branch_key.reload()
        after = branch_key.rows
        kept = {kind: row for kind, row in after.items() if kind not in (version, ACTIVE)}
        self.claim("rotation keeps the other rows", dict(kept, **{ACTIVE: before[ACTIVE]}) == before, sorted(after))
        self.claim("rotation adds the version that it answers", version in after and branch_key.active == version, version)
        if by == "ours":
            # With the KMS key that the branch key had.
            self.check_written({version, ACTIVE}, kms_arn)
            self.check_same_time({version, ACTIVE})

    # ------------------------------------------------------------ claims
    def check_written(self, kinds, kms_arn):
        for kind in sorted(kinds):
            problem = misfit(self.branch_key.rows[kind], self.branch_key.id, self.custom, kms_arn)
            self.claim("ours writes rows of the format", problem is None, problem)

    def check_same_time(self, kinds):
        times = {self.branch_key.rows[kind]["create-time"]["S"] for kind in kinds}
        self.claim("rows of one turn have one creation time", len(times) == 1, times)

    def check_keys(self):
        branch_key = self.branch_key
        for kind, row in branch_key.rows.items():
            key = branch_key.key(kind)
            self.claim("KMS opens a row under the context of the format", key is not None and len(key) == 32, kind)
            context = kms_context(row, self.store["logical_name"])
            name = self.rng.choice(sorted(context))
            changed = dict(context, **{name: context[name] + "x"})
            if self.rng.random() < 0.5:
                changed = {n: v for n, v in context.items() if n != name}
            other = self.cloud.kms_decrypt(row["kms-arn"]["S"], changed, row["enc"]["B"])
            self.claim("KMS opens a row under no other context", other is None, "%s without %s" % (kind, name))
        active = branch_key.key(ACTIVE)
        self.claim("the active row has the key of its version", active == branch_key.key(branch_key.active), "differs")
        others = [branch_key.key(kind) for kind in branch_key.rows if kind != ACTIVE]
        self.claim("no other two rows have the same key", len(set(others)) == len(others), "%d rows" % len(others))

    def exchange(self):
        """An item of each version of the format, in both directions."""
        for per_tenant in (False, True):
            label = "%s, item %d" % (self.label, len(self.items))
            item = item_case(self.oracle, label, self.rng, self.branch_key.id, per_tenant)
            sealed, error = self.cloud.crypt("seal", item, self.keys(per_tenant), item.item)
            self.claim("ours seals", sealed is not None, error)
            if sealed is not None:
                self.check_edk(sealed)
                self.items.append((item, per_tenant, sealed, self.branch_key.active))
            sealed = self.oracle.encrypt_item(item.theirs, item.item, [self.branch_key])
            self.items.append((item, per_tenant, sealed, self.branch_key.active))
        for item, per_tenant, sealed, _ in self.items:
            for who, opened, error in (("theirs", *self.theirs_open(item, sealed)),
                                       ("ours", *self.cloud.crypt("open", item, self.keys(per_tenant), sealed))):
                self.claim(who + " opens items of all versions", opened == item.expected(),
                           error or diff(opened, item.expected()))

    def check_edk(self, sealed):
        edks = self.oracle.parse_header(sealed[check.HEAD]["B"])["edks"]
        expected = [(PROVIDER, self.branch_key.id.encode(), 140, uuid.UUID(self.branch_key.active[len(VERSION):]).bytes)]
        found = [(provider, info, len(body), body[76:92]) for provider, info, body in edks]
        self.claim("ours seals under the active version", found == expected, found)

    def theirs_open(self, item, sealed):
        try:
            return self.oracle.decrypt_item(item.theirs, sealed, self.branch_key), None
        except self.test.refusal as error:
            return None, "%s: %s" % (type(error).__name__, error)

    def keys(self, per_tenant, store=None):
        store = store or self.store
        if per_tenant:
            return {"branch_key_per_tenant": {"store": store, "attribute": "tenant"}}
        return {"branch_key": {"store": store, "id": self.branch_key.id}}

    # ------------------------------------------------------------ changes
    def check_refusals(self, count):
        active = self.branch_key.active
        item, per_tenant, sealed, _ = self.rng.choice([i for i in self.items if i[3] == active])
        attempt = lambda verb, store: self.cloud.crypt(verb, item, self.keys(per_tenant, store),
                                                       item.item if verb == "seal" else sealed)
        changes = list(self.changes())
        for what, verbs, store, rows, deleted in self.rng.sample(changes, min(count, len(changes))):
            self.cloud.put_rows(self.store["table"], rows)
            self.cloud.delete_rows(self.store["table"], deleted)
            for verb in verbs:
                got, _ = attempt(verb, store)
                self.claim("ours refuses to %s: %s" % (verb, what), got is None, "it did")
            self.cloud.put_rows(self.store["table"], list(self.branch_key.rows.values()))
        for verb in ("seal", "open"):
            got, error = attempt(verb, None)
            self.claim("ours does once the rows are back", got is not None, error)

    def changes(self):
        """(what, who must refuse, another key store, rows to put, keys of rows to delete), one at a time."""
        rng, kinds = self.rng, [ACTIVE, self.branch_key.active]
        rows = [self.branch_key.rows[kind] for kind in kinds]
        others = [self.other.rows[kind] for kind in (ACTIVE, self.other.active)]
        both = ["seal", "open"]
        change = lambda **values: [dict(row, **{n.replace("_", "-"): v for n, v in values.items()}) for row in rows]
        encs = lambda found: [dict(row, enc=enc["enc"]) for row, enc in zip(rows, found)]
        older = [kind for kind in self.branch_key.rows if kind.startswith(VERSION) and kind != self.branch_key.active]

        yield "keys of the active and the version row swapped", both, None, encs(rows[::-1]), []
        yield "keys of another branch key", both, None, encs(others), []
        yield "the beacon key", both, None, encs([self.branch_key.rows[BEACON]] * 2), []
        yield "a bit of the wrapped key", both, None, [dict(r, enc={"B": flip(r["enc"]["B"], rng)}) for r in rows], []
        created = rows[0]["create-time"]["S"]
        yield "another creation time", both, None, change(create_time={"S": "2000" + created[4:]}), []
        if "." in created and len(created) < 28:
            yield "a creation time spelt otherwise", both, None, change(create_time={"S": created[:-1] + "0Z"}), []
        yield "another KMS key", both, None, change(kms_arn={"S": self.foreign_key}), []
        yield "another hierarchy version", both, None, change(hierarchy_version={"N": "2"}), []
        yield "a custom entry more", both, None, [dict(r, **{CUSTOM + "new entry": {"S": "x"}}) for r in rows], []
        yield "an unknown attribute", both, None, [dict(r, unknown={"S": "x"}) for r in rows], []
        if self.custom:
            name = CUSTOM + rng.choice(sorted(self.custom))
            yield "a custom entry less", both, None, [{n: v for n, v in r.items() if n != name} for r in rows], []
            yield "another custom entry", both, None, [dict(r, **{name: {"S": r[name]["S"] + "x"}}) for r in rows], []
        renamed = [dict(self.other.rows[ACTIVE], **{"branch-key-id": rows[0]["branch-key-id"]})]
        yield "the rows of another branch key, under this id", ["seal"], None, renamed, []
        if older:
            old = self.branch_key.rows[rng.choice(older)]
            yield "the key of an older version", both, None, encs([old, old]), []
            yield "an active row that names an older version", ["seal"], None, [dict(rows[0], version=old["type"])], []
        yield "no rows", both, None, [], [{n: r[n] for n in ("branch-key-id", "type")} for r in rows]
        yield "another logical name", both, dict(self.store, logical_name=self.store["logical_name"] + "x"), [], []


def item_case(oracle, label, rng, branch_id, per_tenant):
    """A random item; of version 2 if its branch key follows from an attribute."""
    case = check.random_case(oracle, label, rng)
    if per_tenant:
        # No other attribute has this name: it is not of the alphabet of names.
        case.config["attribute_actions"]["tenant"] = INCLUDE
        case.item["tenant"] = {"S": branch_id}
        for key in filter(None, (case.config["partition_key"], case.config.get("sort_key"))):
            case.config["attribute_actions"][key] = INCLUDE
    return case


class Test(check.Check):
    def __init__(self, oracle, cloud, seed):
        super().__init__(oracle, None, seed)
        self.cloud = cloud

    def run(self, number, keys, refusals):
        case = Case(self, number, keys)
        try:
            self.take_turns(case, number, refusals)
            self.claim("ours makes and rotates branch keys", True, case, None)
        except Refused as error:
            self.claim("ours makes and rotates branch keys", False, case, error)

    def take_turns(self, case, number, refusals):
        turns = ["ours", "theirs"]
        # Every second case starts with each side; who rotates first is then drawn.
        case.create(turns[number % 2])
        rotations = case.rng.sample(turns, 2)
        for rotate_by in [None] + rotations:
            if rotate_by:
                case.rotate(rotate_by)
            case.check_keys()
            if case.branch_key.key(case.branch_key.active) is None:
                # As was claimed not to be: nothing can be sealed.
                return
            case.exchange()
        case.check_refusals(refusals)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cloud", default=os.path.join(ROOT, "target", "debug", "examples", "interop_cloud"))
    parser.add_argument("--oracle", default=os.path.join(ROOT, "..", "shared", "oracle"))
    parser.add_argument("--seed", type=int, default=None, help="default: the time")
    parser.add_argument("--count", type=int, default=12, help="random cases")
    parser.add_argument("--refusals", type=int, default=8, help="changes tried in each case")
    parser.add_argument("--only", type=int, default=None, help="one case of the seed")
    args = parser.parse_args()
    sys.dont_write_bytecode = True
    sys.path.insert(0, args.oracle)
    try:
        import verify
    except ImportError:
        print("key stores: skipped, there is no verify.py in %s" % args.oracle)
        return 0
    seed = time.time_ns() // 1_000_000 if args.seed is None else args.seed
    print("key stores: %d random cases, seed %d" % (args.count, seed), flush=True)
    cloud = Cloud(args.cloud)
    single, foreign = (cloud.must("key", spec="SYMMETRIC_DEFAULT")["arn"] for _ in range(2))
    keys = (cloud.must("multi_region_key"), single, foreign)
    cloud.must("create_key_store", store={"table": TABLE, "logical_name": TABLE, "kms_key": single})
    test = Test(verify, cloud, seed)
    for number in range(args.count) if args.only is None else [args.only]:
        test.run(number, keys, args.refusals)
    cloud.close()
    return test.report()


if __name__ == "__main__":
    sys.exit(main())
