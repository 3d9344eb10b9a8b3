"""Runs the cases of integration/tests: runner.py LANE [WORD]... (only those with a WORD in their name).

A case is a plain function with @case. It gets a fresh host (namespaces, NICs, its own netd, its own files), and all of it
is gone afterwards; but for cases with a `host` word (integration/cases), which hand it on if it is as it was. What this kernel can't do is skipped by name; the lab does it. Ends with
`lane LANE: N passed, N failed, N skipped`, and tells scripts/test the names (folder NETD_LANES)."""

import importlib
import os
import pathlib
import signal
import sys
import time
import traceback
from dataclasses import dataclass, field

import host as hosts

needs_of_kind = {"legacy": ("vlan",), "vlan-aware": ("vlan", "vlan_filtering"), "ovs": ("ovs",)}
longest_case = 900   # seconds
# What with Open vSwitch is shown in the lab, too, where the kernel forwards its frames and has its ports; the rest does the same on either datapath.
on_both_datapaths = ("attacks", "boot: an open vswitch", "conversion", "crashes: ovs vswitchd", "definitions", "drift: with tags and a guest", "guests", "linklocal", "neighbours", "reports: lldp", "shaping", "small mtu: ovs",
                     "stacked", "takeover", "without ovs: it goes", "without ovs: netd starts", "without ovs: ovs vswitchd dies")


class Skip(Exception):
    pass


class Wrong(Exception):
    """A failure whose words say all there is to know; the host may be handed on all the same if it is clean."""

    def __init__(self, words, clean=False):
        super().__init__(words)
        self.clean = clean


@dataclass
class Case:
    function: object
    name: str
    needs: tuple = ()
    kind: str = ""
    settings: dict = field(default_factory=dict)
    again: bool = False   # in the lab too, even if it passed under this machine's kernel
    host: str = ""   # cases with the same word here have a host together, one after the other, while it stays as it was


cases = []


def case(*needs, kinds=(), nics=("eno1", "eno2", "eno3", "eno4"), words=(), start=True):
    """needs: vlan, vlan_filtering, bond, ovs, ovs_kernel. kinds: once for each of these switch kinds, with the VLANs it needs."""
    def register(function):
        title = f"{function.__module__.replace('_', ' ')}: {function.__name__.replace('_', ' ')}"
        for kind in kinds or ("",):
            wanted = tuple(dict.fromkeys((*needs, *needs_of_kind.get(kind, ()))))
            again = bool(set(wanted) - {"ovs"}) or ("ovs" in wanted and title.replace("-", " ").startswith(on_both_datapaths))
            cases.append(Case(function, f"{title} [{kind}]" if kind else title, wanted, kind, {"nics": nics, "words": words, "start": start}, again=again))
        return function
    return register


class Lane:
    def __init__(self, name, build):
        self.name, self.build = name, build
        self.passed, self.failed, self.skipped, self.late = [], [], [], []
        self.abilities = self.look()
        self.kept = self.kept_for = None   # the host that the next case with the same word may have

    def look(self):
        with hosts.Host(self.build, nics=()) as host:
            host.netd.start().ready()
            kernel = host.netd.client().call("Host.getStatus")["backends"]["kernel"]
        kernel["ovs"] = True
        kernel["ovs_kernel"] = os.path.isdir("/sys/module/openvswitch")
        return kernel

    def run(self, one):
        missing = [need for need in one.needs if not self.abilities.get(need)]
        if missing:
            return self.skip(one, f"this kernel has no {', '.join(missing)}")
        begun = time.monotonic()
        host = clean = None
        try:
            signal.alarm(longest_case)
            host = self.host_for(one)
            host.kind = one.kind
            clean = one.function(host)
        except Skip as reason:
            return self.skip(one, str(reason))
        except Exception as error:
            clean = getattr(error, "clean", False)
            self.failed.append(one.name)
            print(f"FAILED: {one.name}\n{_indented(_reason(error))}")
            if host and host.netd.told():
                print(_indented(f"netd said: {host.netd.told()}\nnetd is in: {host.netd.doing()}"))
        else:
            self.passed.append(one.name)
            print(f"passed: {one.name} ({time.monotonic() - begun:.1f} s)")
        finally:
            signal.alarm(0)
            if host and clean and one.host:
                self.kept, self.kept_for = host, one.host
            elif host:
                host.close()
            sys.stdout.flush()

    def host_for(self, one):
        if one.host != self.kept_for:
            self.close()
        host, self.kept, self.kept_for = self.kept, None, None
        return host or self.make_host(one)

    def close(self):
        if self.kept:
            self.kept.close()
        self.kept = self.kept_for = None

    def make_host(self, one):
        host = hosts.Host(self.build, nics=one.settings["nics"], words=one.settings["words"])
        host.kind = one.kind
        host.abilities = self.abilities
        try:
            if "ovs" in one.needs:
                host.start_ovs("kernel" if self.abilities["ovs_kernel"] else "userspace")
            if one.settings["start"]:
                host.netd.start().ready()
                host.client = host.netd.client()
        except BaseException:
            print(_indented(f"netd said: {host.netd.told()}"))
            host.close()
            raise
        return host

    def leave_out(self, one):
        self.late.append(one.name)
        print(f"LATE: {one.name}: the time of this run is over")

    def skip(self, one, reason):
        self.skipped.append(one.name)
        print(f"SKIPPED: {one.name}: {reason}")

    def tell(self):
        if folder := os.environ.get("NETD_LANES"):
            for what in ("passed", "skipped", "late"):
                with open(pathlib.Path(folder) / what, "a") as file:
                    file.writelines(name + "\n" for name in getattr(self, what))
        for name in self.failed:
            print(f"{self.name}: failed: {name}")
        print(f"lane {self.name}: {len(self.passed)} passed, {len(self.failed)} failed, {len(self.skipped) + len(self.late)} skipped")
        return 1 if self.failed else 0


def _reason(error):
    return str(error) if isinstance(error, Wrong) else traceback.format_exc()


def _indented(text):
    return "\n".join("    " + line for line in text.strip().splitlines())


def _too_late(*_):
    raise TimeoutError(f"not done after {longest_case} s")


def _taken(lane, number):
    """Runs of a lane side by side share the folder NETD_LANES, and with it the cases: whoever makes the folder of one has it."""
    folder = os.environ.get("NETD_LANES")
    if not folder:
        return False
    try:
        (pathlib.Path(folder) / "taken" / f"{lane.name}-{number}").mkdir()
    except FileExistsError:
        return True
    return False


def _shown_already():
    """What a lane before this one has passed."""
    passed = pathlib.Path(os.environ.get("NETD_LANES", "/nowhere")) / "passed"
    return set(passed.read_text().splitlines()) if passed.exists() else set()


def _time_is_over():
    """NETD_UNTIL, in seconds since 1970: no case is begun after it."""
    return time.time() > float(os.environ.get("NETD_UNTIL", "inf"))


def main(words):
    signal.signal(signal.SIGALRM, _too_late)
    tests = pathlib.Path(__file__).with_name("tests")
    sys.path.insert(0, str(tests))
    for path in sorted(tests.glob("*.py")):
        importlib.import_module(path.stem)
    lane = Lane(words[0], os.environ.get("NETD_BUILD", str(hosts.checkout / "build/debug")))
    shown = _shown_already() if lane.name == "lab" else set()
    for number, one in enumerate(cases):
        chosen = len(words) == 1 or any(word in one.name for word in words[1:])
        if chosen and (one.again or one.name not in shown) and not _taken(lane, number):
            lane.leave_out(one) if _time_is_over() else lane.run(one)
    lane.close()
    return lane.tell()


if __name__ == "__main__":
    # The cases import this file by its name: then it must be this one.
    sys.modules["runner"] = sys.modules["__main__"]
    sys.exit(main(sys.argv[1:] or ["integration"]))
