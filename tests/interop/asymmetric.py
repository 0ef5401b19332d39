"""RSA and ECDH keyrings, written from the description of the format with `cryptography` alone.

They have the interface of the keyrings in the oracle: `wrap` and `unwrap` of an intermediate key. An ECDH
keyring here is the other party of the one in the configuration, so each case has two parties.
"""
import functools
import hashlib
import hmac
import os
import struct

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PADDINGS = {"OaepSha1": hashes.SHA1, "OaepSha256": hashes.SHA256, "OaepSha384": hashes.SHA384,
            "OaepSha512": hashes.SHA512, "Pkcs1": None}
CURVES = {"P256": ec.SECP256R1(), "P384": ec.SECP384R1(), "P521": ec.SECP521R1()}
SCHEMES = ["static", "ephemeral"]


def pem(key):
    if hasattr(key, "private_bytes"):
        return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                 serialization.NoEncryption()).decode()
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def keyring_of(oracle, config):
    """The keyring for such a configuration, or nothing."""
    if "raw_rsa" in config:
        return RawRsa(oracle, config["raw_rsa"])
    return RawEcdh(oracle, config["raw_ecdh"]) if "raw_ecdh" in config else None


def with_wrong_key(config, rng):
    """The members of the configuration with another private key."""
    if "raw_rsa" in config:
        return {"raw_rsa": dict(config["raw_rsa"], private_key=other_rsa_key())}
    key = random_ec_key(config["raw_ecdh"]["curve"], rng)
    return {"raw_ecdh": dict(config["raw_ecdh"], private_key=pem(key))}


# Loading an RSA key tests its primes, which takes as long as all else of a case.
@functools.cache
def load_private(text):
    return serialization.load_pem_private_key(text.encode(), None)


@functools.cache
def other_rsa_key():
    return pem(rsa.generate_private_key(65537, 2048))


def random_ec_key(curve, rng):
    order_bits = CURVES[curve].key_size
    return ec.derive_private_key(rng.getrandbits(order_bits - 1) | 1, CURVES[curve])


def compressed(public):
    return public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)


def oaep(hash_):
    return padding.OAEP(padding.MGF1(hash_()), hash_(), None)


class RawRsa:
    def __init__(self, oracle, config):
        self.oracle, self.namespace, self.name = oracle, config["namespace"].encode(), config["name"].encode()
        self.key = load_private(config["private_key"])
        hash_ = PADDINGS[config["padding"]]
        self.padding = oaep(hash_) if hash_ else padding.PKCS1v15()

    def wrap(self, ik, _):
        return self.namespace, self.name, self.key.public_key().encrypt(ik, self.padding)

    def unwrap(self, provider, info, wrapped, _):
        self.oracle.need(provider == self.namespace and info == self.name, "not mine")
        return self.key.decrypt(wrapped, self.padding)


class KmsRsa:
    """`key` is private, or public to wrap alone. `prefix` makes what stands before the intermediate key."""
    provider = b"aws-kms-rsa"

    def __init__(self, oracle, arn, padding_name, key, prefix=None):
        self.oracle, self.arn, self.key = oracle, arn.encode(), key
        self.padding = oaep(PADDINGS[padding_name])
        self.prefix = prefix or (lambda context: hashlib.sha384(oracle.ec_ser(context)).digest())

    def wrap(self, ik, context):
        return self.provider, self.arn, self.key.encrypt(self.prefix(context) + ik, self.padding)

    def unwrap(self, provider, info, wrapped, context):
        self.oracle.need(provider == self.provider and info == self.arn, "not mine")
        plaintext = self.key.decrypt(wrapped, self.padding)
        self.oracle.need(len(plaintext) == 80 and plaintext[:48] == self.prefix(context), "of another context")
        return plaintext[48:]


class RawEcdh:
    """The party that holds `peer_key`; with the scheme `ephemeral` its own key is new each time."""
    provider = b"raw-ecdh"

    def __init__(self, oracle, config):
        self.oracle, self.curve, self.scheme = oracle, config["curve"], config["scheme"]
        self.theirs = load_private(config["private_key"])
        self.theirs_public = self.theirs.public_key()
        self.own = load_private(config["peer_key"])

    def wrap(self, ik, context):
        own = self.own if self.scheme == "static" else ec.generate_private_key(CURVES[self.curve])
        sender, recipient = compressed(own.public_key()), compressed(self.theirs_public)
        fixed, salt = self.fixed(sender, recipient, context), os.urandom(32)
        out = self.derive(own.exchange(ec.ECDH(), self.theirs_public), fixed, salt)
        info = b"\x01" + b"".join(struct.pack(">I", len(p)) + p for p in (recipient, sender))
        return self.provider, info, salt + out[:32] + AESGCM(out[32:]).encrypt(bytes(12), ik, fixed)

    def unwrap(self, provider, info, wrapped, context):
        need = self.oracle.need
        need(provider == self.provider, "not mine")
        len_ = (CURVES[self.curve].key_size + 7) // 8 + 1
        length = struct.pack(">I", len_)
        need(len(info) == 2 * len_ + 9 and info[:5] == b"\x01" + length and info[5 + len_:9 + len_] == length, "info")
        recipient, sender = info[5:5 + len_], info[9 + len_:]
        mine, theirs = compressed(self.own.public_key()), compressed(self.theirs_public)
        if self.scheme == "static":
            need({sender, recipient} == {mine, theirs}, "not mine")
            secret = self.own.exchange(ec.ECDH(), self.theirs_public)
        else:
            # The recipient of what an ephemeral key sealed is the holder of the configured key.
            need(recipient == theirs, "not mine")
            point = ec.EllipticCurvePublicKey.from_encoded_point(CURVES[self.curve], sender)
            secret = self.theirs.exchange(ec.ECDH(), point)
        need(len(wrapped) == 112, "length")
        fixed, salt = self.fixed(sender, recipient, context), wrapped[:32]
        out = self.derive(secret, fixed, salt)
        need(hmac.compare_digest(out[:32], wrapped[32:64]), "commitment")
        return AESGCM(out[32:]).decrypt(bytes(12), wrapped[64:], fixed)

    def fixed(self, sender, recipient, context):
        return b"\0".join([b"ecdh-key-derivation", self.curve.lower().encode(), b"HMAC_SHA384", sender + recipient,
                           b"\x01", self.oracle.ec_ser(context, True)])

    def derive(self, secret, fixed, salt):
        block = lambda i: hmac.new(secret, struct.pack(">I", i) + fixed + b"\0" + salt + struct.pack(">I", 512),
                                   hashlib.sha384).digest()
        return (block(1) + block(2))[:64]


class KmsEcdh(RawEcdh):
    """The party whose key is not in KMS."""
    provider = b"aws-kms-ecdh"

    def __init__(self, oracle, curve, own, kms_public):
        self.oracle, self.curve, self.scheme = oracle, curve, "static"
        self.own, self.theirs_public = own, kms_public


def random_config(rng, text, rsa_key):
    """The members of a configuration for one of these keyrings."""
    if rng.random() < 0.5:
        return {"raw_rsa": {"namespace": text(1, 10), "name": text(0, 10), "padding": rng.choice(list(PADDINGS)),
                            "private_key": rsa_key, "public_key": pem(load_private(rsa_key).public_key())}}
    curve = rng.choice(list(CURVES))
    own, peer = random_ec_key(curve, rng), random_ec_key(curve, rng)
    return {"raw_ecdh": {"curve": curve, "scheme": rng.choice(SCHEMES), "private_key": pem(own),
                         "public_key": pem(own.public_key()), "peer_key": pem(peer),
                         "peer_public_key": pem(peer.public_key())}}
