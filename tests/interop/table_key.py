#!/usr/bin/env python3
"""Table keys, from docs/table-key-format.md alone, under an independent implementation of the item format.

    python3 tests/interop/table_key.py --oracle ../shared/oracle

Opens the vectors that dynaseal sealed under a table key (tests/vectors/items.json), and computes the worked
example. The other direction is frozen: `--freeze` seals those of tests/vectors/table_keys.json that are
missing, which dynaseal's unit tests open.
"""
import argparse
import base64
import hashlib
import hmac
import json
import os
import struct
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

HERE = os.path.dirname(os.path.abspath(__file__))
VECTORS = os.path.join(HERE, "..", "vectors")
DOMAIN = b"dynaseal-table-key/1"
INCLUDE = "SIGN_AND_INCLUDE_IN_ENCRYPTION_CONTEXT"


def derive(table_key, salt, context):
    """(pseudorandom key, key and nonce of one wrap)."""
    prk = hmac.new(DOMAIN, table_key, hashlib.sha512).digest()
    info = DOMAIN + b"/wrap\0" + salt + hashlib.sha384(context).digest()
    return prk, HKDFExpand(algorithm=SHA512(), length=44, info=info).derive(prk)


def aad(key_id, salt, blob, context):
    return DOMAIN + b"\0" + key_id + salt + hashlib.sha384(blob).digest() + context


def wrap(table_key, key_id, salt, blob, context, key):
    _, okm = derive(table_key, salt, context)
    sealed = AESGCM(okm[:32]).encrypt(okm[32:], key, aad(key_id, salt, blob, context))
    return b"\x01" + key_id + salt + sealed + struct.pack(">H", len(blob)) + blob


class TableKey:
    """A recipient, in the words of the oracle. `blob` is what KMS made of the table key."""
    prov = b"dynaseal-table-key"

    def __init__(self, oracle, arn, table_key, blob):
        self.oracle, self.arn, self.table_key, self.blob = oracle, arn.encode(), table_key, blob
        self.key_id = os.urandom(16)

    def wrap(self, key, context):
        context = self.oracle.ec_ser(context)
        body = wrap(self.table_key, self.key_id, os.urandom(32), self.blob, context, key)
        return self.prov, self.arn, body

    def unwrap(self, prov, info, body, context):
        need, context = self.oracle.need, self.oracle.ec_ser(context)
        need(prov == self.prov and info == self.arn, "not mine")
        need(len(body) >= 100 and body[0] == 1, "version")
        key_id, salt, sealed = body[1:17], body[17:49], body[49:97]
        blob = body[99:]
        need(struct.unpack(">H", body[97:99])[0] == len(blob) <= 6144, "length of the KMS ciphertext")
        need(blob == self.blob, "another table key")
        _, okm = derive(self.table_key, salt, context)
        return AESGCM(okm[:32]).decrypt(okm[32:], sealed, aad(key_id, salt, blob, context))


def worked_example(oracle):
    counting = lambda first, n: bytes(range(first, first + n))
    context = oracle.ec_ser({"aws-crypto-table-name": "customers", "aws-crypto-partition-name": "customerId",
                             "aws-crypto-attr.customerId": "AAFj"})
    table_key, key_id, salt, key = counting(0, 32), counting(0x10, 16), counting(0x40, 32), counting(0x80, 32)
    blob = b"KMS-CIPHERTEXT-BLOB-PLACEHOLDER"
    prk, okm = derive(table_key, salt, context)
    return [prk.hex(), okm[:32].hex(), okm[32:].hex(), wrap(table_key, key_id, salt, blob, context, key).hex()]


# Of src/keyring/table_key/fixed.rs and src/item/frozen.rs.
def keyring(oracle):
    return TableKey(oracle, "arn:aws:kms:eu-west-1:111122223333:key/mrk-frozen", b"\x07" * 32, b"\xf8" * 32)


def configuration(actions=None):
    return {"table": "frozen-täble", "pk": "pk", "sk": "sk", "actions": actions or {}, "unsigned": set(),
            "unsignedPrefix": ":", "sig": False}


def actions_of(item, name):
    if not name.startswith("version 2"):
        return {n: "SIGN_ONLY" if n in ("pk", "sk") else "ENCRYPT_AND_SIGN" for n in item if n[0] != ":"}
    others = {"list": "ENCRYPT_AND_SIGN", "numbers": "SIGN_ONLY", "binaries": "ENCRYPT_AND_SIGN",
              "\U00010001": "ENCRYPT_AND_SIGN"}
    return {n: others.get(n, INCLUDE) for n in item if n[0] != ":"}


def read(file):
    path = os.path.join(VECTORS, file)
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as text:
        return json.load(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--oracle", default=os.path.join(HERE, "..", "..", "..", "shared", "oracle"))
    parser.add_argument("--freeze", action="store_true", help="seal the vectors that are missing")
    args = parser.parse_args()
    sys.dont_write_bytecode = True
    sys.path[:0] = [args.oracle, HERE]
    import verify
    from check import from_json, to_json
    decode = lambda item: {n: from_json(v) for n, v in item.items()}
    document = os.path.join(HERE, "..", "..", "docs", "table-key-format.md")
    with open(document, encoding="utf-8") as text:
        document = "".join(text.read().split())
    failures = [part for part in worked_example(verify) if part not in document]

    ours = {name: v for name, v in read("items.json").items() if "table key" in name}
    theirs = read("table_keys.json")
    for name, vector in ours.items():
        sealed, opened = decode(vector["sealed"]), decode(vector["opened"])
        if verify.decrypt_item(configuration(), sealed, keyring(verify)) != opened:
            failures.append(name)
        other = keyring(verify)
        other.table_key = b"\x08" * 32
        try:
            verify.decrypt_item(configuration(), sealed, other)
            failures.append(name + ": opened by another table key")
        except (verify.Bad, InvalidTag):
            pass
        if args.freeze and name not in theirs:
            item = decode(vector["plaintext"])
            made = verify.encrypt_item(configuration(actions_of(item, name)), item, [keyring(verify)])
            theirs[name] = {"sealed": {n: to_json(v) for n, v in made.items()}, "opened": vector["opened"]}
    if args.freeze:
        with open(os.path.join(VECTORS, "table_keys.json"), "w", encoding="utf-8") as text:
            text.write(json.dumps(theirs, ensure_ascii=False, indent=2) + "\n")
    if not ours or set(ours) != set(theirs):
        failures.append("vectors of both: %r and %r" % (sorted(ours), sorted(theirs)))
    for failure in failures:
        print("FAILED " + failure)
    print("table keys: %s, %d vectors" % ("FAILED" if failures else "ok", len(ours)))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
