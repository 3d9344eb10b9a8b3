"""Linux bridges: networks that come, change, stay, go."""

import time

import peers
from world import World, networks, nic, removal, run


def in_world(measure, nics, **how):
    """Measures in a world of its own, which is gone afterwards."""
    def measured():
        with World(nics, **how) as world:
            return measure(world)
    return measured


def create(ledger):
    ledger.open("create", "Create N networks in one call, `legacy`: a bridge each, its NIC in it, up", "netd ≤ 1.3 × limit; at 1000 five times faster than systemd-networkd, fifty times than NetworkManager")
    for count, rounds in ledger.pick([(10, 5), (100, 5), (1000, 3), (4000, 1)], [(3, 1)]):
        def netd(world, count=count):
            world.start_netd()
            return [world.line.setup(networks(count))]
        contenders = {"netd": in_world(netd, count), "limit": in_world(lambda world, count=count: world.limit("create", count, "n", "b"), count)}
        for name, peer, most in peers.bridges:
            if count <= most and not (ledger.small and most < 4000):
                contenders[name] = in_world(lambda world, peer=peer, count=count: peer(world, count), count)
        ledger.turns(f"N = {count}", rounds, contenders, "limit")


def again(ledger):
    ledger.open("again", "The same request again", "at N = 1000 ≤ 10 ms, and no write")
    for count in ledger.pick([10, 100, 1000], [3]):
        with World(count) as world:
            world.start_netd()
            world.line.setup(networks(count))
            ledger.turns(f"N = {count}", 15, {"netd": lambda: [world.line.setup(networks(count))]})


def change(ledger):
    ledger.open("change", "Change the MTU of one network of N", "among 1000 ≤ 1.3 × the same among 3")
    few, many = ledger.pick((3, 1000), (3, 6))
    with World(few) as small, World(many) as large:
        for world, count in ((small, few), (large, many)):
            world.start_netd()
            world.line.setup(networks(count))
        turn = [0]
        def one(world):
            turn[0] += 1
            return [world.line.setup({"b1": {"nic": "n1", "mtu": 1400 + turn[0] % 2 * 50 + turn[0] // 2 % 2}})]
        ledger.turns(f"one of {many}", 30, {"netd": lambda: one(large), f"netd, one of {few}": lambda: one(small)}, f"netd, one of {few}")


def plug(ledger):
    ledger.open("plug", "Plug one tap into a Linux bridge; and unplug it", "plug p50 ≤ 1.5 × limit at the same count; unplug ≤ 2 ms")
    each = ledger.pick(10, 2)
    for there in ledger.pick([0, 1000 - 40], [0]):
        with World(1) as ours, World(1) as raw:
            ours.start_netd()
            ours.line.setup(networks(1))
            raw.limit("create", 1, "n", "b")
            for number in range(there):
                ours.line.call("VM.hotplugNic", nic(number))
            if there:
                raw.limit("plug", there, "b0", "there")
            unplugged = {"netd": [], "limit": []}
            def netd():
                plugged = [ours.line.call("VM.hotplugNic", nic(5000 + number)) for number in range(each)]
                unplugged["netd"] += [ours.line.call("VM.hotunplugNic", nic(5000 + number)) for number in range(each)]
                return plugged
            def limit():
                plugged = raw.limit("plug", each, "b0", "new")
                unplugged["limit"] += raw.limit("unplug", each, "new")
                return plugged
            ledger.turns(f"plug, {there} there", 3, {"netd": netd, "limit": limit}, "limit")
            ledger.turns(f"unplug, {there} there", 1, {name: lambda samples=samples: samples for name, samples in unplugged.items()}, "limit")


def remove(ledger):
    ledger.open("remove", "Remove N networks in one call; and take N new ones back", "≤ 1.3 × group deletion, ≥ 3 × faster than one by one")
    for count in ledger.pick([10, 100], [3]):
        def netd(world, count=count):
            world.start_netd()
            world.line.setup(networks(count))
            return [world.line.setup(removal(count))]
        def limit(how, count=count):
            def measured(world):
                world.limit("create", count, "n", "b")
                return world.limit("remove", count, "b", how)
            return in_world(measured, count)
        ledger.turns(f"N = {count}", 2, {"netd": in_world(netd, count), "limit, group": limit("group"), "limit, one by one": limit("each")}, "limit, group")

        def back(world, count=count):
            world.start_netd()
            asked = {"networks": networks(count), "bondings": {}, "options": {"connectivityTimeout": 1}}
            seconds, answer = world.line.ask("Host.setupNetworks", asked)
            assert b"rolled back" in answer, answer
            return [seconds - 1]
        ledger.turns(f"N = {count}, made, not confirmed, taken back", 2, {"netd, less the second of waiting": in_world(back, count)})


def start(ledger):
    ledger.open("start", "Start with N committed networks, all in place, until the first answer", "at N = 1000 ≤ 100 ms, no write")
    for count in ledger.pick([10, 1000], [3]):
        with World(count) as world:
            world.start_netd()
            world.line.setup(networks(count), commitOnSuccess=True)
            def once():
                world.netd.stop()
                return [world.start_netd()]
            ledger.turns(f"N = {count}", 7, {"netd": once})


def storm(ledger):
    ledger.open("storm", "1000 events a second, and a subscriber that never reads", "no growth, no lost drift")
    seconds = ledger.pick(10, 1)
    with World(20) as world:
        world.start_netd()
        world.line.setup(networks(20))
        deaf = world.netd.subscribe()
        def storm_of(length):
            for turn in range(length * 5):
                begun = time.perf_counter()
                world.space.links(*[f"link set n{i % 20} mtu {1300 + (turn * 200 + i) % 100}" for i in range(100)])
                time.sleep(max(0.0, 0.1 - (time.perf_counter() - begun)) if turn % 2 else 0)
        storm_of(1)
        before = world.resident()
        storm_of(seconds)
        after = world.resident()
        time.sleep(0.5)
        _, answer = world.line.ask("Host.getDrift")
        ledger.turns("resident before", 1, {"netd": lambda: [before]}, unit="MiB")
        ledger.turns("resident after", 1, {"netd": lambda: [after]}, unit="MiB")
        ledger.turns("networks told to be as they should not", 1, {"netd": lambda: [answer.count(b'"mtu"')], "of": lambda: [20]}, unit="")
        deaf.close()


def memory(ledger):
    ledger.open("memory", "Memory with N networks and N ports, and after as many plugs and unplugs again", "at 1000 ≤ 24 MiB resident, flat")
    count = ledger.pick(1000, 3)
    with World(count) as world:
        world.start_netd()
        ledger.turns("just started", 1, {"netd": lambda: [world.resident()]}, unit="MiB")
        world.line.setup(networks(count))
        time.sleep(2)   # netd gives back what it needed for a change when it has been quiet for a second
        ledger.turns(f"{count} networks", 1, {"netd": lambda: [world.resident()]}, unit="MiB")
        for number in range(count):
            world.line.call("VM.hotplugNic", nic(number, f"b{number}"))
        time.sleep(2)
        ledger.turns(f"{count} networks, {count} ports", 1, {"netd": lambda: [world.resident()]}, unit="MiB")
        for turn in range(2):
            for number in range(ledger.pick(200, 3)):
                world.line.call("VM.hotunplugNic", nic(number, f"b{number}"))
                world.line.call("VM.hotplugNic", nic(number, f"b{number}"))
            ledger.turns(f"the same after {turn + 1} × {ledger.pick(200, 3)} plugs and unplugs", 1, {"netd": lambda: [world.resident()]}, unit="MiB")
        for method in ("Host.getNetworkCapabilities", "Host.getRunningConfig", "Host.getDrift", "Host.getTopology"):
            world.line.ask(method)
        world.line.setup(networks(count))
        time.sleep(2)
        ledger.turns("and after each large answer, and the same request again", 1, {"netd": lambda: [world.resident()]}, unit="MiB")


cases = {"create": create, "again": again, "change": change, "plug": plug, "remove": remove, "start": start, "storm": storm, "memory": memory}
__all__ = ["cases", "in_world", "run"]
