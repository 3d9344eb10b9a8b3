"""A walk (integration/walk): the steps that it takes, and what must be so after each.

What must be so: definitions, reports and host agree (agree.py); what is refused, rolled back or killed leaves the host as it was, or as
it was asked to be; nobody flaps whom a request has nothing to do with, and the same again writes nothing; and however the host came to
its definitions, it is what a fresh one makes of them."""

import contextlib
import json
import os
import re
import time
from random import Random

from agree import changes, complaints_of
from client import NoAnswer, RpcError
from flaps import Ear
from host import Host, wait_until
from killing import again
from walk_looks import Beside, applied, concerned, indeed, picture, settled, since
from walk_root import Root
from walk_values import nics
from walk_wishes import Wishes

steps = {"change": 8, "confirmed": 3, "unconfirmed": 4, "kill": 4, "kill_in_the_window": 1, "restart": 1, "root_acts": 2, "commit": 1}
rolled_back, failed = 10, 29   # codes of the protocol
fresh_every = 3    # steps


class Walk:
    def __init__(self, build, seed, kinds):
        self.random, self.number, self.seen, self.findings = Random(seed), 0, set(), 0
        self.host = Host(build, nics)
        try:
            if "ovs" in kinds:
                self.host.start_ovs("kernel" if os.path.isdir("/sys/module/openvswitch") else "userspace")
            again(self.host)
            self.abilities = self.host.client.call("Host.getStatus")["backends"]["kernel"]
            self.ear = self.host.later(Ear(self.host.space))
            self.wishes, self.root = Wishes(self.random, kinds, self.abilities), Root(self)
        except BaseException:
            self.host.close()
            raise

    def close(self):
        self.host.close()

    def note(self, text):
        print(f"    {text}", flush=True)

    def find(self, what, lines):
        """Lines are findings; each kind of them is told once a walk."""
        new = {re.sub(r"\d+", "N", line): line for line in map(str, lines)}
        new = {kind: line for kind, line in new.items() if (what.partition(" after ")[0], kind) not in self.seen}
        if new:
            print(f"!!  {what}:", *(f"!!      {line}" for line in new.values()), sep="\n", flush=True)
            self.findings += 1
        self.seen |= {(what.partition(" after ")[0], kind) for kind in new}

    def running(self, which="running"):
        told = self.host.client.call("Host.getRunningConfig", {"which": which})
        return {part: told[part] for part in ("networks", "bondings")}

    def step(self):
        self.number += 1
        step = self.random.choices([*steps], [*steps.values()])[0]
        print(f"step {self.number}: {step.replace('_', ' ')}", flush=True)
        getattr(self, step)()
        self.look(step)
        if self.number % fresh_every == 0 or step.startswith("kill"):
            self.look_beside(step)

    def look(self, step):
        """What must always be so."""
        self.find(f"disagreement after {step}", settled(lambda: complaints_of(self.host, self.root.all()), 9))
        self.find(f"root's own after {step}", self.root.complaints())
        trouble = self.host.client.call("Host.getStatus")["trouble"]
        self.find(f"trouble after {step}", [trouble] if trouble else [])

    def look_beside(self, step):
        if self.root.own:   # a fresh host has none of it
            return
        running = self.running()
        with Beside(self.host) as fresh:
            try:
                fresh.set_up(running)
            except RpcError as error:
                return self.find(f"a fresh host refuses what runs after {step}", [error, json.dumps(running)])
            self.find(f"other than a fresh host after {step}", fresh.differences(running))

    # Steps.

    def wish(self):
        request, words = self.wishes.next(self.host.client)
        self.note(f"{words}: {json.dumps(request)}")
        return request

    def change(self, confirm=None):
        request, options = self.wish(), {"commitOnSuccess": True} if self.random.random() < 0.2 else {}
        before, was = self.running(), picture(self.host)
        self.ear.begin()
        try:
            self.host.client.setup(request["networks"], request["bondings"], confirm=confirm, **options)
        except RpcError as error:
            return self.refused(error, was)
        after = self.running()
        self.find("flaps", self.ear.end(concerned(request, before, after) | self.root.all()))
        self.find("not what was asked", indeed(request, before, after))
        self.look("change")   # it is over when this is so
        self.once_more(request)

    def confirmed(self):
        self.change(True)

    def refused(self, error, was):
        """It has to be known before anything is done."""
        self.note(f"refused: {error}")
        lacks = "module 8021q" in error.message   # this kernel: no fault of netd's
        has_tried = error.code in (rolled_back, failed, -32603) or "rolled back" in error.message or "degraded" in error.message
        self.find("tried in vain", [error] if has_tried and not lacks else [])
        self.find("not as before after a refusal", since(was, self.host))
        self.find("flaps in a refusal", self.ear.end(self.root.all()) if not has_tried else [])

    def once_more(self, request):
        """The same again, which is nothing."""
        same = {part: {name: one for name, one in asked.items() if not one.get("remove")} for part, asked in request.items()}
        self.ear.begin()
        try:
            told = self.host.client.setup(same["networks"], same["bondings"], confirm=None)
            self.find("the same again changes something", [told] if told["changed"] else [])
        except RpcError as error:
            self.find("the same again is refused", [error])
        time.sleep(0.05)   # what was written is heard by now
        self.find("the same again writes", self.ear.writes())

    def unconfirmed(self):
        request = self.wish()
        before, committed, was = self.running(), self.running("committed"), picture(self.host)
        self.ear.begin()
        asks_for_it = self.random.random() < 0.4
        self.note("rolled back by request" if asks_for_it else "nobody confirms")
        number = self.host.client.send("Host.setupNetworks", {**request, "options": {"connectivityTimeout": 60 if asks_for_it else 1}})
        try:
            if asks_for_it:
                self.ask_for_the_way_back(number)
            self.host.client.receive(number)
            return self.find("kept though nobody confirmed", changes(was, picture(self.host)))   # what changes nothing on the host needs nobody
        except RpcError as error:
            if error.code != rolled_back:
                return self.refused(error, was)
        asked = applied(request, before)
        self.find("other definitions after a rollback", [json.dumps([before, self.running()])] if self.running() != before else [])
        self.find("another commitment after a rollback", [json.dumps([committed, self.running("committed")])] if self.running("committed") != committed else [])
        self.find("not as before after a rollback", since(was, self.host))
        self.find("flaps in a rollback", self.ear.end(concerned(request, before, asked) | self.root.all()))

    def ask_for_the_way_back(self, number):
        """As soon as there is one; or not, where the request ends first."""
        with self.host.netd.client() as other:
            while not other.call("Host.rollback")["rolledBack"]:
                with contextlib.suppress(NoAnswer):
                    self.host.client.answers[number] = {"result": self.host.client.receive(number, 0.02)}
                    return

    def kill(self, in_the_window=False):
        request, options = self.wish(), {"connectivityCheck": in_the_window, "connectivityTimeout": 4} if in_the_window else {"connectivityCheck": False}
        before, was = self.running(), picture(self.host)
        moment = self.random.choice((0.01, 0.02, 0.04, 0.06, 0.1, 0.16, 0.24, 0.4, 0.6)) * self.random.random()
        self.note(f"killed after {moment:.4f} s")
        self.host.client.send("Host.setupNetworks", {**request, "options": options})
        time.sleep(moment)   # any will do
        self.host.netd.kill()
        self.start_again()
        wait_until(lambda: not self.host.client.call("Host.getStatus")["transaction"], 20, "the transaction does not end")
        running = self.running()
        is_old = running == before
        self.note("it is as before" if is_old else "it is as asked")
        self.find("killed, and neither as before nor as asked", [] if is_old else indeed(request, before, running))
        self.find("kept though nobody confirmed", changes(was, picture(self.host)) if in_the_window and not is_old else [])
        self.find("not as before after a kill", since(was, self.host) if is_old else [])

    def kill_in_the_window(self):
        self.kill(True)

    def start_again(self):
        self.host.client.close()   # ZeroMQ would send what netd did not take to the next one
        again(self.host)

    def restart(self):
        was = picture(self.host)
        self.ear.begin()
        crashes = self.random.random() < 0.5
        self.note("killed" if crashes else "stopped")
        self.host.netd.kill() if crashes else self.host.netd.stop()
        self.start_again()
        time.sleep(0.2)   # for what it might do after it is there
        self.find("a restart writes", self.ear.writes())
        self.find("not as before after a restart", since(was, self.host))

    def commit(self):
        """And a boot with the files, elsewhere."""
        self.host.client.call("Host.setSafeNetworkConfig")
        if not self.root.own:
            with Beside(self.host) as fresh:
                fresh.boot()
                self.find("other than after a boot", fresh.differences(self.running()))

    def root_acts(self):
        self.root.do_one()
