"""Open vSwitch, answers, VLANs."""

import pathlib
import time

import peers
from cases_bridges import in_world
from world import Line, World, build, networks, nic, run


def tap_on(number, network):
    return {"vmId": "vm", "nic": {"macAddr": f"52:54:00:bb:{number >> 8:02x}:{number & 255:02x}", "network": network, "kind": "tap"}}


def ovs(ledger):
    ledger.open("ovs", "Open vSwitch: N networks in one call; a tap plugged alone, and twenty at once", "≤ 1.2 × one `ovs-vsctl` transaction of the same; a plug ≤ 1.1 × a transaction awaited; twenty at once less than three alone")
    for count in ledger.pick([10, 100], [3]):
        wanted = {f"v{i}": {"nic": "n0", "vlan": i + 1, "switch": "ovs", "ipaddr": f"10.{i >> 8}.{i & 255}.1", "prefix": 24} for i in range(count)}
        def netd(world, wanted=wanted):
            world.start_netd()
            return [world.line.setup(wanted)]
        def vsctl(world, count=count):
            words = ["add-br", "ovs-n0", "--", "set", "Bridge", "ovs-n0", "datapath_type=netdev", "--", "add-port", "ovs-n0", "n0"]
            for i in range(count):
                words += ["--", "add-port", "ovs-n0", f"v{i}", f"tag={i + 1}", "--", "set", "Interface", f"v{i}", "type=internal"]
            begun = time.perf_counter()
            run("ovs-vsctl", f"--db={world.ovs.socket}", *words, patience=300)
            return [time.perf_counter() - begun]
        def os_vif(world, count=count):
            return [sum(peers.os_vif(world, count))]
        ledger.turns(f"N = {count}, an internal port each (os-vif: a port each, of taps that are there)", 2,
                     {"netd": in_world(netd, 1, ovs=True), "ovs-vsctl": in_world(vsctl, 1, ovs=True), "os-vif": in_world(os_vif, 1, ovs=True)}, "ovs-vsctl")
    each = ledger.pick(10, 2)
    for there in ledger.pick([0, 300], [0]):
        with World(1, ovs=True) as world, World(1, ovs=True) as raw:
            world.start_netd()
            world.line.setup({"w": {"nic": "n0", "vlan": 5, "switch": "ovs"}})
            run("ovs-vsctl", f"--db={raw.ovs.socket}", "add-br", "br0", "--", "set", "Bridge", "br0", "datapath_type=netdev")
            if there:
                raw.limit("taps-stay", there, "s")
                run("ovs-vsctl", f"--db={raw.ovs.socket}", *[word for number in range(there) for word in ("--", "add-port", "br0", f"s{number}", "tag=5")][1:], patience=300)
            for number in range(there):
                world.line.call("VM.hotplugNic", tap_on(number, "w"))
            def netd():
                plugged = [world.line.call("VM.hotplugNic", tap_on(5000 + number, "w")) for number in range(each)]
                for number in range(each):
                    world.line.call("VM.hotunplugNic", tap_on(5000 + number, "w"))
                return plugged
            def vsctl():
                raw.limit("taps-stay", each, "t")
                plugged = []
                for number in range(each):
                    begun = time.perf_counter()
                    run("ovs-vsctl", f"--db={raw.ovs.socket}", "add-port", "br0", f"t{number}", "tag=5")
                    plugged.append(time.perf_counter() - begun)
                run("ovs-vsctl", f"--db={raw.ovs.socket}", *[word for number in range(each) for word in ("--", "del-port", f"t{number}")][1:])
                raw.limit("drop", each, "t")
                return plugged
            ledger.turns(f"plug, {there} there", 2, {"netd": netd, "ovs-vsctl": vsctl}, "ovs-vsctl")
            def alone():
                begun = time.perf_counter()
                for number in range(3):
                    world.line.call("VM.hotplugNic", tap_on(6000 + number, "w"))
                passed = time.perf_counter() - begun
                for number in range(3):
                    world.line.call("VM.hotunplugNic", tap_on(6000 + number, "w"))
                return [passed]
            def together(count=20):
                lines = [Line(world.netd.control) for _ in range(count)]
                for line in lines:
                    line.call("Host.ping2")
                begun = time.perf_counter()
                for number, line in enumerate(lines):
                    line.send("VM.hotplugNic", tap_on(7000 + number, "w"))
                for line in lines:
                    line.socket.recv()
                passed = time.perf_counter() - begun
                for number, line in enumerate(lines):
                    world.line.call("VM.hotunplugNic", tap_on(7000 + number, "w"))
                    line.close()
                return [passed]
            ledger.turns(f"20 plugs at once, {there} there", 3, {"netd": together, "netd, 3 plugs one after the other": alone}, "netd, 3 plugs one after the other")


def read(ledger):
    ledger.open("read", "What an answer costs", "a read ≤ 1.5 × a bare echo of the same bytes; capabilities and statistics of 1000 networks ≤ 3 × writing that JSON")
    count = ledger.pick(1000, 3)
    with World(count) as world:
        world.start_netd()
        world.line.setup(networks(count))
        def echo(size):
            endpoint = f"ipc://{world.folder}/echo{size}"
            process = world.space.start(build / "bench/limit_echo", endpoint, *([size] if size else []))
            line = Line(endpoint)
            return process, line
        rounds = ledger.pick(50, 2)
        for method, name in (("Host.ping2", "ping"), ("Host.getNetworkCapabilities", "capabilities, kept"), ("Host.getNetworkStatistics", "statistics")):
            size = len(world.line.ask(method)[1])
            process, line = echo(size)
            line.ask(method)
            times = rounds if size < 1000 else 5
            written = world.folder / "answer"
            written.write_bytes(world.line.ask(method)[1])
            def json_cost():
                return [int(us) / 1e6 for us in run("bash", "-c", f"{build}/bench/limit_json 5 <{written}").split()]
            contenders = {"netd": lambda: [world.line.ask(method)[0] for _ in range(times)], "echo": lambda: [line.ask(method)[0] for _ in range(times)]}
            if size > 1000:
                contenders["writing that JSON"] = json_cost
            ledger.turns(f"{name}, {size} bytes", 3, contenders, "echo" if size < 1000 else "writing that JSON")
            line.close()
            process.terminate()
            process.wait()
        turn = [0]
        def fresh():
            turn[0] += 1
            world.line.setup({"b0": {"nic": "n0", "mtu": 1400 + turn[0] % 50}})
            return [world.line.ask("Host.getNetworkCapabilities")[0]]
        written = world.folder / "answer"
        written.write_bytes(world.line.ask("Host.getNetworkCapabilities")[1])
        ledger.turns("capabilities, after a change", 5, {"netd": fresh, "writing that JSON": lambda: [int(us) / 1e6 for us in run("bash", "-c", f"{build}/bench/limit_json 1 <{written}").split()]}, "writing that JSON")


def vlans(ledger):
    ledger.open("vlans", "VLANs, where the kernel has them", "4000 on `vlan-aware` ≤ 1.3 × limit; per network not twice as dear from 100 to 4000")
    for count in ledger.pick([100, 1000, 4000], [3]):
        def netd(kind, count=count):
            def measured(world):
                world.start_netd()
                world.line.setup({"first": {"nic": "n0", "switch": kind}})   # the NIC is in its bridge, as the limit's is
                return [world.line.setup({f"b{i}": {"nic": "n0", "vlan": i + 1, "switch": kind} for i in range(count)})]
            return in_world(measured, 1)
        def ranges(world, count=count):
            run("ip", "-n", world.space.name, "link", "add", "br0", "type", "bridge", "vlan_filtering", "1", "vlan_default_pvid", "0")
            run("ip", "-n", world.space.name, "link", "set", "n0", "master", "br0", "up")
            return world.limit("ranges", count, "n0")
        def devices(world, count=count):
            world.space.links("link set n0 up")   # no VLAN is up on a base that is down
            return world.limit("vlans", count, "n0", "b")
        ledger.turns(f"N = {count}, vlan-aware", 2, {"netd": netd("vlan-aware"), "limit": in_world(ranges, 1)}, "limit")
        if count <= 1000:
            ledger.turns(f"N = {count}, legacy", 1, {"netd": netd("legacy"), "limit": in_world(devices, 1)}, "limit")


cases = {"ovs": ovs, "read": read, "vlans": vlans}
__all__ = ["cases", "pathlib", "nic"]
