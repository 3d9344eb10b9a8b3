"""Rounds of a transition: killed, left to itself, looked at; and what came of it, as rows of the table."""

import json
import os
import signal
import time
import zlib
from collections import Counter

from agree import agree
from client import NoAnswer, RpcError
from host import checkout, is_alive, wait_until
from killing import again, dies_at, one_of, record, signal_at, words_of
from portrait import portrait

every = int(os.environ.get("NETD_CRASHES", "0"))
patience = 90   # seconds until the host must be the one or the other
brief = 3       # seconds that are given to confirm, where nobody does
ample = 120     # and where somebody does, once netd serves again


def fixed(text):
    """A number that a text always has."""
    return zlib.crc32(text.encode())


def is_decision(step):
    return step.words in ("write running", "rename running")


def thinned(steps, most=6):
    """Of many alike in a row only some: each flow is a message of its own."""
    runs = []
    for step in steps:
        if runs and runs[-1][-1].words == step.words:
            runs[-1].append(step)
        else:
            runs.append([step])
    return [step for run in runs for step in (run if len(run) <= most else [run[len(run) * place // most] for place in range(most)])]


class Rounds:
    def __init__(self, host, name, transition):
        self.host, self.transition, self.rows = host, transition, []
        self.title = f"{name} [{host.kind}]" if host.kind else name
        if every:
            signal.alarm(7200)
        if transition.prepare:
            transition.prepare(host)
        for ask in transition.given:
            self.ask(ask)
        self.now, self.pictures = "old", {}
        for end in ("new", "old"):
            self.go(end)
            self.pictures[end] = portrait(host, True)

    def ask(self, ask):
        assert ask.run(self.host), "netd died undisturbed"

    def way(self, end):
        return self.transition.there if end == "new" else self.transition.back

    def go(self, end):
        self.ask(self.way(end))
        self.now = end

    def fresh(self, start):
        """At its start, and netd is one that has done nothing yet: its first change writes other files than the next."""
        if self.now != start:
            self.go(start)
            self.new_netd()

    def new_netd(self):
        self.host.netd.stop()
        again(self.host)

    def recorded(self, start, end):
        self.go(start) if self.now != start else None
        self.new_netd()
        steps = record(self.host, lambda: self.go(end))
        assert self.transition.is_same or any(map(is_decision, steps)), f"from {start} to {end} it takes {steps}"
        self.fresh(start)
        return steps

    def settled(self, where, with_definitions=True, within=patience):
        """The name of the picture that the host is like; it has a while to become so."""
        pictures = self.pictures if with_definitions else {name: {what: lines for what, lines in one.items() if what != "definitions"} for name, one in self.pictures.items()}
        deadline = time.monotonic() + within
        while True:
            try:
                return one_of(pictures, portrait(self.host, with_definitions), where)
            except AssertionError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.1)

    def row(self, way, at, then, found, seconds):
        self.now = found
        self.rows.append({"way": f"{way[0]} to {way[1]}", "at": at, "then": then, "found": found, "seconds": round(seconds, 1)})
        agree(self.host, patience=10)

    def tell(self):
        for way in dict.fromkeys(row["way"] for row in self.rows):
            rows = [row for row in self.rows if row["way"] == way]
            found = Counter(row["found"] for row in rows)
            print(f"    {way}: " + ", ".join(f"{count} ended {end}" for end, count in sorted(found.items())) + f", after at most {max(row['seconds'] for row in rows)} s")
            print("".join(f"      {row['at']}; {row['then']}: {row['found']}, {row['seconds']} s\n" for row in rows), end="")
        if every:
            folder = checkout / "build/crashes"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{self.title}.json").write_text(json.dumps({"title": self.title, "kernel": os.uname().release, "every": every, "rows": self.rows}, indent=1))

    def wait_for_window(self, end, window):
        """Asked for with a confirmation to come: made, and waiting for it. The number of the request."""
        params = self.way(end).params
        return self.host.client.waiting({**params, "options": {**params["options"], "connectivityCheck": True, "connectivityTimeout": window}})


class Crashes(Rounds):
    """netd is killed."""

    def all(self):
        if self.transition.is_same:
            self.at_steps("old", "new")
            return self.tell()
        for start, end in (("old", "new"), ("new", "old")):
            self.at_steps(start, end)
        if "options" in self.transition.there.params:
            self.in_the_window()
        self.tell()
        kept = [row for row in self.rows if row["way"].startswith(row["found"])]
        assert kept and len(kept) < len(self.rows), "all rounds ended alike, which is none of a test"

    def chosen(self, steps, where):
        """By default one on the way to the decision and one after it, which are the same ones each time."""
        if every:
            some = thinned(steps)[fixed(where) % every::every]
            return some if some[-1:] == steps[-1:] else [*some, steps[-1]]   # only the last are after the decision
        if self.transition.is_same:
            return steps[fixed(where) % 4::4][:4]
        decision = next(index for index, step in enumerate(steps) if is_decision(step)) + 1
        early, late = steps[:decision], steps[decision:]
        return [part[fixed(where + name) % len(part)] for part, name in ((early, "early"), (late, "late")) if part]

    def at_steps(self, start, end):
        where = f"{self.title} {start}"
        steps = self.recorded(start, end)
        for count, step in enumerate(self.chosen(steps, where)):
            line = dies_at(self.host, step, self.way(end))
            if line is None:   # this time it came to its end with fewer such calls
                self.now = end
            else:
                words = words_of(step.call, line) or step.words
                self.see(f"{1 + steps.index(step)} of {len(steps)}, {words}", (start, end), self.transition.is_same or (fixed(where) + count) % 2 == 0)
            self.fresh(start)

    def see(self, at, way, restart):
        begun, where = time.monotonic(), f"from {way[0]} to {way[1]}, killed at {at}"
        by_itself = None
        if not restart:
            by_itself = self.left_alone(where)
            took = time.monotonic() - begun
        again(self.host)
        found = self.settled(f"{where}, started again")
        assert by_itself in (None, found), f"{where}: the watchdog left {by_itself}, started again it is {found}"
        self.row(way, at, "restart" if restart else "watchdog", found, time.monotonic() - begun if restart else took)

    def left_alone(self, where):
        # That of a netd before it may still wait for its own moment.
        watchdog = self.host.netd.watchdogs[-1]
        wait_until(lambda: not is_alive(watchdog), patience, f"{where}: the watchdog stays")
        return self.settled(f"{where}, the watchdog was there", with_definitions=False) if self.transition.by_the_watchdog else None

    def in_the_window(self):
        ways = ("confirmed after a restart", "expired after a restart", "expired, watchdog")
        for index, then in enumerate(ways):
            if not every and index != fixed(self.title) % len(ways):
                continue
            self.fresh("old")
            self.wait_for_window("new", ample if then.startswith("confirmed") else brief)
            begun = time.monotonic()
            self.host.netd.kill()
            self.host.client.close()
            if then == "expired, watchdog":
                found = self.left_alone("killed in the window")
                assert found in (None, "old"), f"unconfirmed, and it is {found}"
            took = time.monotonic() - begun
            again(self.host)
            if then.startswith("confirmed"):
                assert self.host.client.call("Host.confirmConnectivity")["confirmed"]
            if then.endswith("restart"):
                wait_until(lambda: not self.host.client.call("Host.getStatus")["transaction"], patience, "the window does not end")
            found = self.settled(f"killed in the window, {then}")
            wanted = "new" if then.startswith("confirmed") else "old"
            assert found == wanted, f"killed in the window, {then}: it is {found}"
            self.row(("old", "new"), "in the window", then, found, time.monotonic() - begun if then.endswith("restart") else took)


class OvsCrashes(Rounds):
    """One of Open vSwitch's daemons is killed, and started again as systemd does, while netd stands still at a step."""

    def __init__(self, host, name, transition, daemon):
        super().__init__(host, name, transition)
        self.daemon = daemon

    def all(self):
        for start, end in (("old", "new"), ("new", "old")):
            where = f"{self.title} {start}"
            steps = [step for step in self.recorded(start, end) if step.call in ("sendto", "poll")]
            steps = thinned(steps)[fixed(where) % every::every] if every else [steps[fixed(where + part) % len(steps)] for part in ("one", "other")]
            for step in steps:
                self.at(step, start, end)
                self.fresh(start)
        for then in ("confirmed", "expired"):
            if every or then == ("confirmed", "expired")[fixed(self.title) % 2]:
                self.in_the_window(then)
        self.tell()

    def at(self, step, start, end):
        netd, strace = self.host.netd.process.pid, signal_at(self.host, step, "STOP")
        ask = self.way(end)
        asked = self.host.client.send(ask.method, ask.params)
        answers = []
        if self.wait_for(lambda: is_stopped(netd), asked, answers):
            self.host.ovs.kill(self.daemon)
            os.kill(netd, signal.SIGCONT)
        strace.close()
        self.host.closing.remove(strace)
        begun = time.monotonic()
        if not answers:
            self.host.ovs.start_again(self.daemon)
            self.wait_for(lambda: False, asked, answers)
        self.wait_for_connection()
        found = self.settled(f"{self.daemon} died at {step.words}, netd said {answers}")
        said = {"committed": end, "rolled back": start}.get(answers[0])
        assert said in (None, found), f"{self.daemon} died at {step.words}: netd said {answers}, and the host is {found}"
        self.row((start, end), step.words, answers[0], found, time.monotonic() - begun)

    def wait_for(self, is_so, asked, answers, within=130):
        """True if it is so; False if the answer came before."""
        def answered():
            try:
                answers.append(self.host.client.receive(asked, 0.02)["outcome"])
            except RpcError as error:
                answers.append(error.message.partition(":")[0])
            except NoAnswer:
                return False
            return True
        return wait_until(lambda: (is_so() and "so") or (answered() and "answered"), within, "netd does not answer") == "so"

    def wait_for_connection(self):
        with self.host.netd.client() as other:
            wait_until(lambda: other.call("Host.getStatus")["backends"]["ovs"]["connected"], patience, "netd does not find Open vSwitch again")
            wait_until(lambda: not other.call("Host.getStatus")["trouble"], patience, lambda: other.call("Host.getStatus")["trouble"])

    def in_the_window(self, then):
        self.fresh("old")
        asked = self.wait_for_window("new", ample if then == "confirmed" else brief)
        self.host.ovs.kill(self.daemon)
        begun = time.monotonic()
        self.host.ovs.start_again(self.daemon)
        if then == "confirmed":
            assert self.host.netd.client().call("Host.confirmConnectivity")["confirmed"]
        answers = []
        self.wait_for(lambda: False, asked, answers)
        self.wait_for_connection()
        wanted = "new" if then == "confirmed" else "old"
        found = self.settled(f"{self.daemon} died in the window, {then}, netd said {answers}")
        assert found == wanted, f"{self.daemon} died in the window, {then}: it is {found}"
        self.row(("old", "new"), "in the window", then, found, time.monotonic() - begun)


def is_stopped(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(") ")[2][0] in "Tt"
    except FileNotFoundError:
        return False

