#!/usr/bin/env python3
"""RSA and key-agreement keys in KMS, in both directions, under an independent implementation of the item format.

    python3 tests/interop/kms_keys.py --cloud target/debug/examples/interop_cloud --oracle ../shared/oracle

KMS never shows a private key. So here is opened what dynaseal seals under the public half of a key that it
takes for one in KMS (RSA), or with the key in KMS for a key of this script (ECDH); and dynaseal opens by KMS
what is sealed here under the public half that KMS answers. Random items come from a seed, which is printed.
"""
import argparse
import base64
import os
import random
import sys
import time

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

import check
from asymmetric import CURVES, KmsEcdh, KmsRsa, load_private, random_ec_key
from check import ROOT, RSA_KEY, diff
from cloud import Cloud, encode

PADDINGS = {"OaepSha1": "OaepSha256", "OaepSha256": "OaepSha1"}
SPECS = {"P256": "ECC_NIST_P256", "P384": "ECC_NIST_P384", "P521": "ECC_NIST_P521"}


def der(public_key):
    return encode(public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


class Test(check.Check):
    def __init__(self, oracle, cloud, seed):
        super().__init__(oracle, None, seed)
        self.cloud = cloud

    def kms_key(self, spec):
        """Its ARN, its public half in Base64, and that as a key."""
        key = self.cloud.must("key", spec=spec)
        return key["arn"], key["public_key"], load_der_public_key(base64.b64decode(key["public_key"]))

    def case(self, what, number, suite):
        label = "%s %d" % (what, number)
        case = check.random_case(self.oracle, label, random.Random("%d/%s" % (self.seed, label)))
        case.config["algorithm_suite"], case.theirs["sig"] = suite, suite == "0x6701"
        return case

    def theirs_opens(self, what, case, keys, recipient):
        sealed, error = self.cloud.crypt("seal", case, keys, case.item)
        self.claim(what + ": ours seals", sealed is not None, case, error)
        if sealed is not None:
            try:
                opened = self.oracle.decrypt_item(case.theirs, sealed, recipient)
            except self.refusal as error:
                opened = {"refused": repr(error)}
            self.claim(what + ": theirs opens ours", opened == case.expected(), case, diff(opened, case.expected()))

    def ours_opens(self, what, case, keys, recipient, opens=True):
        sealed = self.oracle.encrypt_item(case.theirs, case.item, [recipient])
        opened, error = self.cloud.crypt("open", case, keys, sealed)
        if opens:
            self.claim(what + ": ours opens theirs", opened == case.expected(), case, error or diff(opened, case.expected()))
        else:
            self.claim("ours refuses: " + what, opened is None, case, "it opened")

    def rsa(self, count):
        arn, public, public_key = self.kms_key("RSA_2048")
        other_arn, other_public, _ = self.kms_key("RSA_2048")
        known = load_private(RSA_KEY)
        for number in range(count):
            for padding, other_padding in PADDINGS.items():
                case = self.case("RSA " + padding, number, "0x6700")
                keys = lambda arn, padding, public: {"kms_rsa": {"key": arn, "padding": padding, "public_key": public}}
                what = "KMS RSA, " + padding
                self.theirs_opens(what, case, keys(arn, padding, der(known.public_key())),
                                  KmsRsa(self.oracle, arn, padding, known))
                ours = keys(arn, padding, public)
                recipient = lambda prefix=None, arn=arn: KmsRsa(self.oracle, arn, padding, public_key, prefix)
                self.ours_opens(what, case, ours, recipient())
                digest = recipient().prefix
                wrong = {"a digest of another context": recipient(lambda context: digest(dict(context, x="y"))),
                         "no digest": recipient(lambda _: b""),
                         "a digest and more": recipient(lambda context: digest(context) + b"\0"),
                         "another key's name": recipient(arn=other_arn)}
                for what, recipient_ in wrong.items():
                    self.ours_opens("RSA, " + what, case, ours, recipient_, opens=False)
                self.ours_opens("RSA, another padding", case, keys(arn, other_padding, public), recipient(), opens=False)
                self.ours_opens("RSA, another key", case, keys(other_arn, padding, other_public),
                                recipient(arn=other_arn), opens=False)

    def ecdh(self, count):
        for curve in CURVES:
            arn, public, public_key = self.kms_key(SPECS[curve])
            for number in range(count):
                for suite in ("0x6700", "0x6701"):
                    case = self.case("ECDH %s %s" % (curve, suite), number, suite)
                    self.ecdh_case(case, curve, arn, public, public_key)

    def ecdh_case(self, case, curve, arn, public, public_key):
        rng = random.Random("%d/%s keys" % (self.seed, case.label))
        own, stranger = random_ec_key(curve, rng), random_ec_key(curve, rng)
        static = {"curve": curve, "key": arn, "public_key": public, "peer_public_key": der(own.public_key())}
        discovery = {name: value for name, value in static.items() if name != "peer_public_key"}
        ours, any_sender = {"kms_ecdh": static}, {"kms_ecdh_discovery": discovery}
        recipient = KmsEcdh(self.oracle, curve, own, public_key)
        self.theirs_opens("KMS ECDH, " + curve, case, ours, recipient)
        self.ours_opens("KMS ECDH, " + curve, case, ours, recipient)
        self.ours_opens("KMS ECDH, discovery", case, any_sender, recipient)
        self.ours_opens("ECDH, another sender", case, ours, KmsEcdh(self.oracle, curve, stranger, public_key), opens=False)
        recipient = KmsEcdh(self.oracle, curve, own, stranger.public_key())
        self.ours_opens("ECDH, for another recipient", case, any_sender, recipient, opens=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cloud", default=os.path.join(ROOT, "target", "debug", "examples", "interop_cloud"))
    parser.add_argument("--oracle", default=os.path.join(ROOT, "..", "shared", "oracle"))
    parser.add_argument("--seed", type=int, default=None, help="default: the time")
    parser.add_argument("--count", type=int, default=6, help="random items for each padding, curve and suite")
    args = parser.parse_args()
    sys.dont_write_bytecode = True
    sys.path.insert(0, args.oracle)
    try:
        import verify
    except ImportError:
        print("keys in KMS: skipped, there is no verify.py in %s" % args.oracle)
        return 0
    seed = time.time_ns() // 1_000_000 if args.seed is None else args.seed
    print("keys in KMS: seed %d" % seed, flush=True)
    cloud = Cloud(args.cloud)
    test = Test(verify, cloud, seed)
    test.rsa(args.count)
    test.ecdh(args.count)
    cloud.close()
    return test.report()


if __name__ == "__main__":
    sys.exit(main())
