"""Large numbers: that they work, and how long they take (told, not judged)."""

import time

from agree import agree
from client import Client
from runner import case


@case()
def a_thousand_networks_in_one_call(host):
    host.client.patience = 500
    networks = {f"net{number:04}": {} for number in range(1000)}
    begun = time.monotonic()
    host.client.setup(networks)
    made = time.monotonic()
    assert not host.client.setup(networks)["changed"]
    again = time.monotonic()
    host.client.setup({"one": {}})
    one = time.monotonic()
    assert len(host.client.call("Host.getNetworkCapabilities")["networks"]) == 1001
    host.client.setup({name: {"remove": True} for name in networks})
    print(f"    1000 networks made in {made - begun:.2f} s, again in {again - made:.2f} s, one more in {one - again:.3f} s, "
          f"1000 removed in {time.monotonic() - one:.2f} s")
    agree(host)


@case(kinds=("legacy", "vlan-aware", "ovs"))
def hundreds_of_networks_with_tags_in_one_call(host):
    host.client.patience = 500
    # An internal port of Open vSwitch is dear to make and dearer to delete: its kernel datapath in the lab takes minutes for 300.
    many = 40 if host.kind == "ovs" else 300
    networks = {f"net{number:04}": {"nic": "eno1", "vlan": number, "switch": host.kind} for number in range(1, many + 1)}
    begun = time.monotonic()
    host.client.setup(networks)
    made = time.monotonic()
    assert not host.client.setup(networks)["changed"]
    again = time.monotonic()
    agree(host)
    removal = time.monotonic()
    host.client.setup({name: {"remove": True} for name in networks})
    print(f"    {many} networks on {host.kind} made in {made - begun:.2f} s, again in {again - made:.2f} s, removed in {time.monotonic() - removal:.2f} s")
    agree(host)


@case()
def hundreds_of_questions_at_once(host):
    with Client(host.netd.control, 40) as client:
        for _ in range(10):
            numbers = [client.send("Host.ping2") for _ in range(400)]
            assert all(client.receive(number) for number in numbers)
