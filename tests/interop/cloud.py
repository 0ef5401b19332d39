"""A test cloud of dynaseal's, and dynaseal in it, as a process that answers lines of JSON (cloud.rs)."""
import base64
import json
import subprocess
import sys

from check import from_json, to_json


def encode(data):
    return base64.b64encode(data).decode()


def item_to_json(item):
    return {name: to_json(value) for name, value in item.items()}


def item_from_json(item):
    return {name: from_json(value) for name, value in item.items()}


class Refused(Exception):
    pass


class Cloud:
    def __init__(self, binary):
        self.process = subprocess.Popen([binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        encoding="utf-8")

    def ask(self, do, **members):
        """(answer, None), or (None, why it was refused)."""
        try:
            self.process.stdin.write(json.dumps(dict(members, do=do)) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            sys.exit("the cloud ended with exit code %s at %s %.300r" % (self.process.wait(), do, members))
        answer = json.loads(line)
        return (None, answer["error"]) if isinstance(answer.get("error"), str) else (answer, None)

    def must(self, do, **members):
        answer, error = self.ask(do, **members)
        if error:
            raise Refused("%s was refused: %s; %.300r" % (do, error, members))
        return answer

    def crypt(self, verb, case, keys, item):
        """Sealed or opened by dynaseal: (item, None) or (None, why not)."""
        answer, error = self.ask(verb, config=case.config, keys=keys, item=item_to_json(item))
        return (None, error) if error else (item_from_json(answer), None)

    def kms_encrypt(self, key, context, plaintext):
        answer = self.must("kms_encrypt", key=key, context=context, plaintext=encode(plaintext))
        return base64.b64decode(answer["ciphertext"], validate=True)

    def kms_decrypt(self, key, context, ciphertext):
        """The plaintext, or nothing if KMS refuses."""
        answer, error = self.ask("kms_decrypt", key=key, context=context, ciphertext=encode(ciphertext))
        return None if error else base64.b64decode(answer["plaintext"], validate=True)

    def rows(self, table, branch_key_id):
        rows = self.must("rows", table=table, id=branch_key_id)["rows"]
        return [item_from_json(row) for row in rows]

    def put_rows(self, table, rows):
        self.must("put_rows", table=table, rows=[item_to_json(row) for row in rows])

    def delete_rows(self, table, keys):
        self.must("delete_rows", table=table, rows=[item_to_json(key) for key in keys])

    def close(self):
        self.process.stdin.close()
        self.process.wait()
