"""What the kernel and Open vSwitch's database say, cheaply: a program that is started once answers many questions.

Starting a program is the dearest part of a look, most of all in the lab; `ip -batch` and `bridge -batch` go on answering, and a
database is asked over its socket."""

import contextlib
import json
import socket
import subprocess


class Teller:
    """`ip` or `bridge`, started once: a line in, a JSON document out."""

    def __init__(self, *words):
        self.words, self.process = words, None

    def ask(self, *lines):
        if not self.process or self.process.poll() is not None:
            # Line by line, not when its buffer is full.
            self.process = subprocess.Popen(["stdbuf", "-oL", *self.words, "-j", "-batch", "-"], text=True, stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.process.stdin.write("".join(line + "\n" for line in lines))
        self.process.stdin.flush()
        return [self.read(line) for line in lines]

    def read(self, line):
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{' '.join(self.words)} {line}: {self.process.stderr.read().strip()}")
        return [entry for entry in json.loads(answer) if entry]

    def close(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait()
            self.process.stdout.close()
            self.process.stderr.close()
            self.process = None


class Look:
    """Everything that a network namespace has."""

    families = {"-4": ("link show", "addr show", "route show table all", "rule show"), "-6": ("addr show", "route show table all", "rule show")}

    def __init__(self, namespace):
        self.tellers = {family: Teller("ip", "-n", namespace, family, "-d") for family in self.families}
        self.vlans = Teller("bridge", "-n", namespace)

    def look(self):
        """(what -4 tells, what -6 tells, VLANs of bridge ports)"""
        found = [dict(zip([line.split()[0] for line in lines], self.tellers[family].ask(*lines))) for family, lines in self.families.items()]
        return found[0], found[1], self.vlans.ask("vlan show")[0]

    def close(self):
        for teller in (*self.tellers.values(), self.vlans):
            teller.close()


class Database:
    """An OVSDB, over its socket."""

    def __init__(self, path):
        self.path = str(path).removeprefix("unix:")

    def rows(self, *tables):
        """The rows of each table as {column: value}, OVSDB's sets and maps as lists and objects."""
        question = {"id": 0, "method": "transact", "params": ["Open_vSwitch", *({"op": "select", "table": table, "where": []} for table in tables)]}
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as connection:
            connection.settimeout(60)
            connection.connect(self.path)
            connection.sendall(json.dumps(question).encode())
            text, decoder = "", json.JSONDecoder()
            while True:
                text += connection.recv(1 << 20).decode()
                with contextlib.suppress(json.JSONDecodeError):
                    answer = decoder.decode(text)
                    break
        return [[{column: _plain(value) for column, value in row.items()} for row in told["rows"]] for told in answer["result"]]


def _plain(value):
    if not isinstance(value, list) or len(value) != 2 or value[0] not in ("set", "map", "uuid", "named-uuid"):
        return value
    if value[0] == "map":
        return {key: _plain(item) for key, item in value[1]}
    return [_plain(item) for item in value[1]] if value[0] == "set" else value[1]
