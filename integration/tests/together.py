"""Plugs that arrive at once: one transaction where they can be one, and each gets its own answer."""

import os
import signal
import time

from agree import agree
from client import RpcError
from guests import define, same
from runner import case


def at_once(host, plugs):
    """What each comes to: its answer, or the code of the error. netd sleeps until all have been sent."""
    os.kill(host.netd.process.pid, signal.SIGSTOP)
    numbers = [host.client.send("VM.hotplugNic", {"vmId": vm, "nic": nic}) for vm, nic in plugs]
    time.sleep(0.1)
    os.kill(host.netd.process.pid, signal.SIGCONT)
    found = []
    for number in numbers:
        try:
            found.append(host.client.receive(number, 60))
        except RpcError as error:
            found.append(error.code)
    return found


def tap(number, network="web", **more):
    return (f"vm{number}", {"network": network, "kind": "tap", "macAddr": f"52:54:00:aa:00:{number:02x}", **more})


def ports(host):
    return {link["ifname"] for link in host.space.look()[0]["link"] if link["ifname"].startswith("nic-")}


@case(kinds=("", "ovs"))
def twenty_plugs_are_few_transactions(host):
    define(host, {"web": {"nic": "eno1"}})
    written = lambda: host.ovs.rows("Open_vSwitch")[0]["next_cfg"] if host.kind == "ovs" else 0
    before = written()
    found = at_once(host, [tap(number) for number in range(20)])
    assert all(one["changed"] and one["nic"]["network"] == "web" for one in found), found
    same(20, len({one["nic"]["port"] for one in found}))
    same({one["nic"]["port"] for one in found}, ports(host))
    assert written() - before <= 10, f"{written() - before} transactions"
    agree(host)
    same([False] * 20, [one["changed"] for one in at_once(host, [tap(number) for number in range(20)])])
    agree(host)


@case(kinds=("", "ovs"))
def one_that_cannot_be_takes_no_other_along(host):
    define(host, {"web": {"nic": "eno1"}})
    host.add_space("inner")
    found = at_once(host, [tap(1), tap(2, network="nowhere"), tap(3), ("inner", {"network": "web", "kind": "netns", "ifname": "lo"}), tap(4), tap(4), tap(5, user=-1), tap(6),
                           ("", {"network": "web", "kind": "tap"}), ("absent", {"network": "web", "kind": "netns"})])
    told = [one if isinstance(one, int) else one["changed"] for one in found]
    same([True, 49, True, 49, True, False, 49, True, 49, 49], told)
    same({one["nic"]["port"] for one in found if not isinstance(one, int)}, ports(host))
    same(4, len(host.client.call("VM.getNics")["nics"]))
    agree(host)
