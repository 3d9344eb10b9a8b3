"""Runs one case of integration/cases, on one switch kind: given, asked, looked at, asked once more, and everything removed."""

import contextlib
import json

from agree import agree, changes, photograph
from case_files import with_kind
from client import RpcError
from expect import Found, check
from flaps import Ear
from frames import Tap

outcomes = ("refused", "rolled-back", "unchanged")
# Lines about the call itself, not about what is there after it.
about_the_call = (*outcomes, "flaps", "once", "says", "unconfirmed")


class CaseRun:
    def __init__(self, host, case, kind):
        self.host, self.case, self.kind, self.guests, self.foreign, self.is_removed = host, case, kind, {}, set(), False
        if not hasattr(host, "ear"):
            host.ear = host.later(Ear(host.space))
            host.engine = host.netd.client()
            # A NIC that had a network stays up.
            host.space.links(*(f"link set {name} up" for name in self.nics()))
            host.pristine = photograph(host.space, host.ovs if "ovs" in case.needs_on(kind) else None)
            host.devices = self.devices()

    def nics(self):
        return sorted(name for name in self.devices() if name.startswith("eno"))

    def devices(self):
        return {link["ifname"] for link in self.host.space.look()[0]["link"]}

    def run(self):
        try:
            for number, call in enumerate(self.case.calls, 1):
                try:
                    self.one_call(call)
                except Exception as error:
                    error.args = (f"call {number}: {error}", *error.args[1:])
                    raise
        finally:
            for tap, _ in self.guests.values():
                tap.close()
        self.remove_everything()
        self.is_removed = True

    def lines(self, lines):
        return [text for kinds, text in lines if self.kind in kinds]

    def one_call(self, call):
        before = self.devices() if call.given else set()
        for text in self.lines(call.given):
            self.give(text)
        if call.given:
            self.foreign |= self.devices() - before
            # netd is asked once it has heard of it: an answer to a change comes after what was heard before.
            with contextlib.suppress(RpcError):
                self.host.client.call("Host.setupNetworks", {"options": {"connectivityCheck": False}})
        if "method" in call.request:
            return self.ask(call)
        self.set_up(call)

    def give(self, text):
        who, _, rest = text.partition(" ")
        words = rest.split()
        getattr(self, f"give_{who}")(rest, words)

    def give_ip(self, rest, _):
        self.host.space.links(rest)

    def give_wire(self, rest, _):
        self.host.wire.links(rest)

    def give_bridge(self, _, words):
        self.host.space.run("bridge", *words)

    def give_ovs(self, _, words):
        self.host.ovs.vsctl(*words)

    def give_run(self, _, words):
        self.host.space.run(*words)

    def give_plug(self, rest, words):
        """plug vm1 web {"vlan": 5}: a tap for a guest."""
        mac = f"56:6f:00:00:01:{len(self.guests) + 1:02x}"
        nic = {"kind": "tap", "network": words[1], "macAddr": mac, **json.loads(rest.split(None, 2)[2] if len(words) > 2 else "{}")}
        port = self.host.client.call("VM.hotplugNic", {"vmId": words[0], "nic": nic})["nic"]["port"]
        self.guests[words[0]] = Tap(self.host.space.name, port), mac

    def give_foreign(self, _, words):
        """Names that netd is right not to know as NICs."""
        self.foreign |= set(words)

    def give_netd(self, _, words):
        """netd restart, netd killed"""
        netd = self.host.netd
        netd.stop() if words[0] == "restart" else netd.kill()
        netd.start().ready()
        self.host.client, self.host.engine = netd.client(), netd.client()

    def ask(self, call):
        """A method other than setupNetworks."""
        self.compare(call, *self.answer_of(lambda: self.host.client.call(call.request["method"], call.request.get("params", {}))))

    def answer_of(self, act):
        try:
            return act(), None
        except RpcError as error:
            return None, error

    def setup(self, params, confirm=True):
        number = self.host.client.send("Host.setupNetworks", params)
        if not confirm or params["options"].get("connectivityCheck") in (False, "false", "no"):
            return self.host.client.receive(number)
        return self.host.client.receive_confirmed(number, self.host.engine)

    def set_up(self, call):
        params, ear, about = with_kind(call.request, self.kind), self.host.ear, self.lines(call.after)
        excused = {self.device(word) for text in about if text.startswith("flaps ") for word in text.split()[1:]}
        kept = self.host.client.call("Host.getRunningConfig")
        ear.begin()
        _, planned = self.answer_of(lambda: self.host.client.call("Host.planNetworks", params))
        self.assert_silent("planNetworks")
        ear.begin()
        answer, error = self.answer_of(lambda: self.setup(params, "unconfirmed" not in about))
        if error and error.code != 10 and not error.message.startswith(("rolled back", "degraded")):
            self.assert_silent("a refused request")
            assert kept == self.host.client.call("Host.getRunningConfig"), "a refused request changed the running definitions"
            assert planned and planned.code == error.code, f"refused, but planned: {planned}"
        flaps = ear.end(excused)
        assert not flaps, "flapped: " + "; ".join(flaps)
        self.compare(call, answer, error)
        agree(self.host, self.foreign)
        if answer and not {"once"} & {text.split()[0] for text in about}:
            self.once_more(params)

    def device(self, word):
        """@web is the device of network web, now."""
        return Found(self.host, None, {}).device(word)

    def once_more(self, params):
        self.host.ear.begin()
        answer, error = self.answer_of(lambda: self.setup(params))
        removes = any("remove" in one for part in ("networks", "bondings") for one in (params.get(part) or {}).values() if isinstance(one, dict))
        assert error.code in (25, 27) if removes and error else not error, f"the same request once more: {error}"
        assert not answer or answer.get("changed") is False or "steps" in answer, f"the same request once more: {answer}"
        self.assert_silent("the same request once more")

    def assert_silent(self, who):
        written = self.host.ear.writes()
        assert not written, f"{who} wrote: {'; '.join(written)}"

    def compare(self, call, answer, error):
        lines = self.lines(call.after)
        wanted = next((text.split() for text in lines if text.split()[0] in outcomes), None)
        if wanted and wanted[0] in ("refused", "rolled-back"):
            assert error, f"not refused: {answer}"
            paths = [one["path"] for one in error.data or []]
            assert error.code == int(wanted[1]) and set(wanted[2:]) <= set(paths), f"wanted {wanted[1:]}, got {error.code} at {paths}: {error.message}"
            assert ("rolled back" in error.message) == (wanted[0] == "rolled-back"), error.message
        else:
            assert not error, f"refused: {error} {error.data}"
            assert not wanted or answer["changed"] is False, answer
        found = Found(self.host, answer, self.guests)
        for text in lines:
            if text.startswith("says "):
                assert text[5:] in error.message, f"{text}: {error.message}"
            elif text.split()[0] not in about_the_call:
                check(found, text)

    def remove_everything(self):
        """In one call; then the host is as it was, but for what others made."""
        client = self.host.client
        for nic in client.call("VM.getNics")["nics"]:
            client.call("VM.hotunplugNic", {"vmId": nic["vmId"], "nic": {"macAddr": nic["macAddr"]}})
        running = client.call("Host.getRunningConfig")
        client.call("Host.setupNetworks", {"networks": {name: {"remove": True} for name in running["networks"]},
                                           "bondings": {name: {"remove": True} for name in running["bondings"]}, "options": {"connectivityCheck": False, "commitOnSuccess": True}})
        agree(self.host, self.foreign)
        if not any(call.given for call in self.case.calls):
            left = changes(self.host.pristine, self.photograph())
            assert not left, "after the removal of everything: " + "; ".join(left)

    def photograph(self):
        return photograph(self.host.space, self.host.ovs if "ovs" in self.case.needs_on(self.kind) else None)

    def is_clean(self):
        """Whether another case may have this host: what somebody else made in it is taken away, and what is left of the case."""
        if not self.is_removed:
            with contextlib.suppress(RpcError, AssertionError):
                self.remove_everything()
        if self.foreign:
            there = self.devices()
            lines = [f"link delete {name}" for name in self.foreign - self.host.devices if name in there]
            for line in lines:
                with contextlib.suppress(Exception):
                    self.host.space.links(line)
        for nic in self.nics():
            with contextlib.suppress(Exception):
                self.host.space.links(f"addr flush dev {nic}", f"link set {nic} up nomaster mtu 1500")
        return not changes(self.host.pristine, self.photograph())
