"""Networks have shares of a bond: of each of its ports, where frames wait. Measured, and kept as ports come and go."""

from agree import agree
from client import RpcError
from guests import expect
from host import wait_until
from runner import case
from shaping import every_kind, keeps_shares, megabit, share, tables


def request(host, networks, ports=("eno1", "eno2")):
    kind = {"switch": host.kind or "legacy"}
    bond = {"nics": [*ports], "options": "mode=active-backup miimon=100 primary=eno1", **kind}
    return {"networks": {name: {"bonding": "bond0", **kind, **network} for name, network in networks.items()}, "bondings": {"bond0": bond}}


def define(host, *what):
    return host.client.setup(*request(host, *what).values())


@case("hfsc", "bond", kinds=every_kind)
def shares_of_a_bond_are_kept_under_contention(host):
    # Of the port that carries, since nothing waits in the bond.
    keeps_shares(host, lambda networks: define(host, networks))


def refused(host, networks, ports):
    try:
        host.client.call("Host.planNetworks", request(host, networks, ports))
    except RpcError as error:
        return error
    return None


@case("hfsc", "bond", "vlan")
def shares_of_a_bond_go_with_its_ports(host):
    host.space.run("tc", "qdisc", "add", "dev", "eno3", "root", "handle", "1:", "pfifo")
    networks = {"web": {"vlan": 100, "hostQos": share(10, ul=5 * megabit)}, "flat": {"hostQos": share(20)}}
    define(host, networks)
    agree(host)
    wanted = tables(host, "eno2")
    # Behind netd's back.
    host.space.run("tc", "qdisc", "delete", "dev", "eno2", "root")
    wait_until(lambda: tables(host, "eno2") == wanted, 15, lambda: f"not put right: {tables(host, 'eno2')}")
    wait_until(lambda: not any(host.client.call("Host.getDrift").values()), 15, "drift stays")
    expect(29, "somebody else shapes what leaves by eno3", lambda: define(host, networks, ("eno1", "eno3")))
    host.space.run("tc", "qdisc", "delete", "dev", "eno3", "root")
    wait_until(lambda: not refused(host, networks, ("eno1", "eno3")), 10, "netd has not heard that it is gone")
    define(host, networks, ("eno1", "eno3"))
    agree(host)
    assert tables(host, "eno3") == wanted.replace("eno2", "eno3") and "6e64" not in tables(host, "eno2"), tables(host, "eno2")
    assert define(host, networks, ("eno1", "eno3"))["changed"] is False
    define(host, {"web": {"vlan": 100}, "flat": {}}, ("eno1", "eno3"))
    agree(host)
    assert "6e64" not in host.space.traffic("qdisc"), host.space.traffic("qdisc")
