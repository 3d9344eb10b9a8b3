"""Runs the cases of integration/guest: guest_runner.py [WORD]... on one host with two virtual machines that are booted once.

Networks of the host: web (legacy, eno1), db (legacy, eno2), sdn and sdn2 (ovs, eno3, untagged and tag 20); in each a
namespace `peer-NETWORK` is plugged in. A case gets the host, and must leave nothing behind: after each one the devices,
the OVS rows and netd's NICs are counted."""

import importlib
import os
import pathlib
import signal
import sys
import time
import traceback

import host as hosts
from agree import agree
from client import RpcError
from hypervisor import Libvirt

networks = {"web": {"nic": "eno1"}, "db": {"nic": "eno2"}, "sdn": {"nic": "eno3"}, "sdn2": {"nic": "eno3", "vlan": 20}}
subnets = {"web": "10.1.0", "db": "10.2.0", "sdn": "10.3.0", "sdn2": "10.4.0"}
longest_case = 1200   # seconds
cases = []


def case(function):
    cases.append(function)
    return function


def title_of(function):
    return f"{function.__module__.replace('_', ' ')}: {function.__name__.replace('_', ' ')}"


class GuestHost(hosts.Host):
    """A host with its hypervisor, and machines `a` and `b`."""

    def __init__(self, build):
        super().__init__(build)
        self.libvirt = Libvirt(self.space, self.folder / "libvirt", self.ovs.folder)
        self.netd.words += ["--libvirt", self.libvirt.uri]
        self.a = self.b = None

    def prepare(self):
        self.start_ovs("kernel" if os.path.isdir("/sys/module/openvswitch") else "userspace")
        self.libvirt.start()
        self.a, self.b = self.libvirt.machine("a"), self.libvirt.machine("b")
        self.netd.start().ready()
        self.client = self.netd.client()
        for kind, names in (("legacy", ("web", "db")), ("ovs", ("sdn", "sdn2"))):
            self.client.setup({name: {**networks[name], "switch": kind} for name in names})
        for name, subnet in subnets.items():
            space = self.add_space(f"peer-{name}")
            self.client.call("VM.hotplugNic", {"vmId": space.name, "nic": {"network": name, "kind": "netns", "macAddr": f"02:00:00:00:00:{len(self.spaces):02x}"}})
            space.links("link set eth0 up", f"addr add {subnet}.254/24 dev eth0")
            # Open vSwitch's userspace datapath completes no checksums.
            space.run("ethtool", "-K", "eth0", "tx", "off")
        self.wait_for_libvirt()
        self.a.ready()
        self.b.ready()

    def wait_for_libvirt(self, connected=True, patience=60):
        hosts.wait_until(lambda: self.status()["connected"] is connected, patience, lambda: f"libvirt: {self.status()}")

    def status(self):
        return self.client.call("Host.getStatus")["backends"]["libvirt"]

    def peer(self, network):
        return self.spaces[f"peer-{network}"]

    def plug(self, machine, network, **nic):
        return self.client.call("VM.hotplugNic", {"vmId": machine.name, "nic": {"network": network, **nic}})

    def update(self, machine, mac, **changes):
        return self.client.call("VM.updateDevice", {"vmId": machine.name, "deviceType": "interface", "macAddr": mac, **changes})

    def unplug(self, machine, mac):
        return self.client.call("VM.hotunplugNic", {"vmId": machine.name, "nic": {"macAddr": mac}})

    def nics(self, vm=None):
        return [nic for nic in self.client.call("VM.getNics", {"vmId": vm} if vm else {})["nics"] if nic["kind"] == "libvirt"]

    def refuses(self, code, verb, params, word=""):
        try:
            answer = self.client.call(verb, params)
        except RpcError as error:
            assert error.code == code and word in error.message, f"{params}: {error.code}: {error.message}"
            return error
        raise AssertionError(f"{params}: not refused: {answer}")

    def downloads(self, machine, network, address):
        """A million bytes by TCP from the machine, from the network's peer: the checksums must be right on the way."""
        if machine.ask("pidof httpd")[1] != 0:
            machine.tell("httpd -h /www")
        got = self.peer(network).run("bash", "-c", f"exec 3<>/dev/tcp/{address}/80; printf 'GET /million HTTP/1.0\\r\\n\\r\\n' >&3; timeout 120 cat <&3 | wc -c", patience=150)
        return int(got) > 1_000_000

    def what_is_there(self):
        """All that a NIC may leave behind."""
        links = sorted(link["ifname"] for link in self.space.ip("link") if not link["ifname"].startswith("ovs-") or link["ifname"].startswith("ovs-eno"))
        ports = sorted(row["name"] for row in self.ovs.rows("Port")) + sorted(row["name"] for row in self.ovs.rows("Interface"))
        return {"links": links, "ports": ports, "nics": self.nics(), "interfaces": {name: self.libvirt.machine_interfaces(name) for name in ("a", "b")},
                "queues": len(self.ovs.rows("Queue")) + len(self.ovs.rows("QoS"))}

    def close(self):
        if hasattr(self, "libvirt"):
            self.libvirt.close()
        super().close()


def _too_late(*_):
    raise TimeoutError(f"not done after {longest_case} s")


def run_one(host, function, passed, failed):
    title, begun = title_of(function), time.monotonic()
    try:
        signal.alarm(longest_case)
        before = host.what_is_there()
        function(host)
        after = host.what_is_there()
        assert before == after, f"left behind: before {before}, after {after}"
        agree(host, foreign=[name for name in after["links"] if name.startswith("vnet")], patience=10)
    except Exception:
        failed.append(title)
        print(f"FAILED: {title}\n{traceback.format_exc()}\nnetd said: {host.netd.told()}")
    else:
        passed.append(title)
        print(f"passed: {title} ({time.monotonic() - begun:.1f} s)")
    finally:
        signal.alarm(0)
        sys.stdout.flush()


def main(words):
    signal.signal(signal.SIGALRM, _too_late)
    folder = pathlib.Path(__file__).with_name("guest")
    sys.path.insert(0, str(folder))
    for path in sorted(folder.glob("*.py")):
        importlib.import_module(path.stem)
    passed, failed = [], []
    begun = time.monotonic()
    with GuestHost(os.environ.get("NETD_BUILD", str(hosts.checkout / "build/debug"))) as host:
        try:
            host.prepare()
        except Exception:
            print(f"FAILED: the host with its guests\n{traceback.format_exc()}\nnetd said: {host.netd.told()}\nlane guest: 0 passed, 1 failed, 0 skipped")
            return 1
        print(f"two guests are up ({time.monotonic() - begun:.1f} s)")
        for one in cases:
            if not words or any(word in title_of(one) for word in words):
                run_one(host, one, passed, failed)
    if lanes := os.environ.get("NETD_LANES"):
        with open(pathlib.Path(lanes) / "passed", "a") as file:
            file.writelines(name + "\n" for name in passed)
    for name in failed:
        print(f"guest: failed: {name}")
    print(f"lane guest: {len(passed)} passed, {len(failed)} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    # The cases import this file by its name: then it must be this one.
    sys.modules["guest_runner"] = sys.modules["__main__"]
    sys.exit(main(sys.argv[1:]))
