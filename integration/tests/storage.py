"""What is on disk: over a boot, damaged, or with no room left."""

import contextlib
import shutil

from agree import agree, photograph
from client import says_no
from host import Failed, checkout, run, wait_until
from killing import Strace
from runner import case

mgmt = {"nic": "eno1", "ipaddr": "192.0.2.10", "prefix": 24, "gateway": "192.0.2.1", "defaultRoute": True}


def reboot(host, nics=("eno1", "eno2", "eno3", "eno4")):
    """The kernel has forgotten everything, and what was in /run is gone."""
    with contextlib.suppress(Failed):
        host.netd.stop()
    for name in list(host.spaces):
        if name != "host":
            host.spaces.pop(name).close()
    with_ovs = (host.ovs.folder / "db.sock").exists()
    host.ovs.close()
    host.space.close()
    wait_until(lambda: "host" not in run("ip", "netns", "list"))
    shutil.rmtree(host.netd.run, ignore_errors=True)
    host.space, host.wire = host.add_space("host"), host.add_space("wire")
    host.netd.space = host.ovs.space = host.space
    for number, nic in enumerate(nics, 1):
        host.add_nic(nic, number)
    if with_ovs:
        host.ovs.start()


def start(host):
    host.netd.start().ready()
    host.client = host.netd.client()


@case()
def the_committed_definitions_come_back_and_no_others(host):
    host.client.setup({"ovirtmgmt": mgmt, "lan": {}, "gone": {}}, commitOnSuccess=True)
    host.client.setup({"late": {"nic": "eno2"}, "ovirtmgmt": dict(mgmt, ipaddr="192.0.2.11"), "gone": {"remove": True}})
    assert host.client.call("Host.getStatus")["netConfigDirty"]
    reboot(host)
    start(host)
    running = host.client.call("Host.getRunningConfig")["networks"]
    assert set(running) == {"ovirtmgmt", "lan", "gone"} and running["ovirtmgmt"]["ipaddr"] == "192.0.2.10", running
    assert not host.client.call("Host.getStatus")["netConfigDirty"]
    agree(host)


@case(kinds=("legacy", "vlan-aware", "ovs"))
def networks_with_tags_come_back(host):
    host.client.setup({name: dict(network, switch=host.kind) for name, network in
                       {"ovirtmgmt": mgmt, "web": {"nic": "eno1", "vlan": 100, "mtu": 9000}, "storage": {"nic": "eno2", "vlan": 4, "bridged": False}}.items()})
    host.client.call("Host.setSafeNetworkConfig")
    reboot(host)
    start(host)
    agree(host)
    assert set(host.client.call("Host.getRunningConfig")["networks"]) == {"ovirtmgmt", "web", "storage"}


@case("bond", "vlan")
def a_bond_comes_back(host):
    host.client.setup({"web": {"bonding": "bond0", "vlan": 100}}, {"bond0": {"nics": ["eno3", "eno4"], "options": "mode=4 miimon=100"}}, commitOnSuccess=True)
    reboot(host)
    start(host)
    agree(host)


@case()
def an_open_change_of_before_the_boot_is_forgotten(host):
    host.client.setup({"ovirtmgmt": mgmt}, commitOnSuccess=True)
    host.client.send("Host.setupNetworks", {"networks": {"lan": {}}, "options": {"connectivityTimeout": 60}})
    with host.netd.client() as other:
        wait_until(lambda: other.call("Host.getStatus")["transaction"])
    host.netd.kill()
    for pid in host.netd.watchdogs:
        run("kill", "-KILL", pid, check=False)
    # Of another boot: that is how netd tells.
    for path in host.netd.state.glob("transaction*"):
        path.unlink()
    reboot(host)
    start(host)
    assert set(host.client.call("Host.getRunningConfig")["networks"]) == {"ovirtmgmt"}
    agree(host)


def damaged(host, damage):
    """Two commits, then a damaged file: the one before is used, and that is said; nothing is deleted."""
    host.client.setup({"ovirtmgmt": mgmt}, commitOnSuccess=True)
    host.client.setup({"lan": {}}, commitOnSuccess=True)
    reboot(host)
    path = host.netd.state / "state"
    path.write_bytes(damage(path.read_bytes()))
    start(host)
    running = set(host.client.call("Host.getRunningConfig")["networks"])
    assert running == {"ovirtmgmt"}, running
    trouble = host.client.call("Host.getStatus")["trouble"]
    assert trouble and "damaged" in trouble["what"], trouble
    agree(host)


@case()
def a_truncated_state_file(host):
    damaged(host, lambda data: data[:len(data) // 2])


@case()
def an_empty_state_file(host):
    damaged(host, lambda data: b"")


@case()
def a_state_file_with_a_flipped_bit(host):
    damaged(host, lambda data: data[:-9] + bytes([data[-9] ^ 4]) + data[-8:])


@case()
def nothing_valid_is_left_and_netd_starts_and_touches_nothing(host):
    host.client.setup({"ovirtmgmt": mgmt}, commitOnSuccess=True)
    before = photograph(host.space)
    host.netd.stop()
    for path in (host.netd.state / "state", host.netd.state / "state.prev", host.netd.run / "running"):
        path.write_bytes(b"rubbish")
    start(host)
    trouble = host.client.call("Host.getStatus")["trouble"]["what"]
    assert "state.prev is damaged" in trouble and "nothing is committed" in trouble and "running" in trouble, trouble
    status = host.netd.netctl("status", check=False)
    assert "no network is committed" in status and "TROUBLE" in status, status
    log = host.netd.log.read_text()
    assert f"{host.netd.state}/state: is damaged" in log and f"{host.netd.run}/running: is damaged" in log, log
    assert photograph(host.space) == before, "the host was changed"


@case(kinds=("ovs",))
def all_definitions_again_as_the_manual_says(host):
    host.client.setup({"ovirtmgmt": mgmt, "lan": {}}, commitOnSuccess=True)
    host.client.setup({"web": {"nic": "eno2", "switch": "ovs"}}, commitOnSuccess=True)
    before, running, committed = photograph(host.space), host.client.call("Host.getRunningConfig"), (host.netd.state / "state").read_text()
    (host.folder / "all.json").write_text(committed.split("\n", 1)[1])   # with more than networks and bondings, which the manual takes out
    host.netd.stop()
    for path in (host.netd.state / "state", host.netd.state / "state.prev", host.netd.run / "running"):
        path.write_bytes(b"rubbish")
    start(host)
    assert host.client.call("Host.getRunningConfig")["networks"] == {}
    page = (checkout / "docs/operating.md").read_text()
    steps = page.split("```sh recover\n")[1].split("```")[0]
    take_out = "jq '{networks, bondings}' all.json > some.json && mv some.json all.json; "
    words = ["env", f"NETD_CONTROL={host.netd.control}", f"PATH={host.netd.build / 'netctl'}:/usr/bin:/bin", "sh", "-euc", f"cd {host.folder}; {take_out}{steps}"]
    host.space.run(*words)
    assert host.client.call("Host.getRunningConfig") == running == host.client.call("Host.getRunningConfig", {"which": "committed"})
    assert photograph(host.space) == before, "something flapped or changed"
    agree(host)


@case(start=False)
def the_disk_is_full(host):
    refuses_without_room(host, host.netd.state)


@case(start=False)
def what_does_not_outlive_a_boot_has_no_room(host):
    refuses_without_room(host, host.netd.run)


def refuses_without_room(host, folder):
    folder.mkdir(parents=True)
    run("mount", "-t", "tmpfs", "-o", "size=64k", "netd", folder)
    host.later(Mount(folder))
    start(host)
    host.client.setup({"ovirtmgmt": mgmt}, commitOnSuccess=True)
    before, running = photograph(host.space), host.client.call("Host.getRunningConfig")
    filler = folder / "filler"
    with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as file:
        while True:
            file.write(bytes(1024))
    error = says_no(lambda: host.client.setup({"web": {"nic": "eno2"}, **{f"lan{number}": {} for number in range(40)}}), 29)
    assert "space" in error.message, error
    assert photograph(host.space) == before
    assert host.client.call("Host.getRunningConfig") == running
    filler.unlink()
    assert host.client.setup({"lan": {}})["changed"]
    agree(host)


@case()
def the_state_folder_is_read_only(host):
    """It starts from what is there, answers, mends, and refuses changes by saying why."""
    host.client.setup({"ovirtmgmt": mgmt}, commitOnSuccess=True)
    reboot(host)
    run("mount", "--bind", host.netd.state, host.netd.state)
    host.later(Mount(host.netd.state))
    run("mount", "-o", "remount,bind,ro", host.netd.state)
    start(host)
    agree(host)
    before = photograph(host.space)
    error = says_no(lambda: host.client.setup({"lan": {}}), 29)
    assert "Read-only" in error.message, error
    assert photograph(host.space) == before and list(host.client.call("Host.getRunningConfig")["networks"]) == ["ovirtmgmt"]
    host.netd.stop()   # it has a mount namespace of its own
    run("mount", "-o", "remount,bind,rw", host.netd.state)
    start(host)
    assert host.client.setup({"lan": {}})["changed"]
    agree(host)


@case()
def a_disk_that_fails_by_itself_keeps_from_being_committed_and_from_nothing_else(host):
    """A journal of another boot is void, so nobody waits until it is on the disk."""
    host.client.setup({"ovirtmgmt": mgmt}, commitOnSuccess=True)
    strace = Strace(host, "-e", "trace=fsync", "-e", "inject=fsync:error=EIO")
    assert host.client.setup({"web": {"nic": "eno2"}})["changed"]
    before, running = photograph(host.space), host.client.call("Host.getRunningConfig")
    error = says_no(lambda: host.client.setup({"lan": {}}, commitOnSuccess=True), 29)
    assert "Input/output" in error.message, error
    assert len(strace.lines()) == 1, "one was waited for that was not to be committed"
    assert photograph(host.space) == before and host.client.call("Host.getRunningConfig") == running
    agree(host)


@case()
def a_file_system_without_hard_links_has_the_previous_version_as_a_copy(host):
    host.client.setup({"ovirtmgmt": mgmt}, commitOnSuccess=True)
    before = (host.netd.state / "state").read_bytes()
    strace = Strace(host, "-e", "trace=link", "-e", "inject=link:error=EPERM")
    assert host.client.setup({"lan": {}}, commitOnSuccess=True)["outcome"] == "committed"
    assert len(strace.lines()) == 1, strace.lines()
    strace.close()
    assert (host.netd.state / "state.prev").read_bytes() == before != (host.netd.state / "state").read_bytes()
    agree(host)


@case()
def what_is_decided_and_can_t_be_committed_any_more_is_told_by_the_answer(host):
    host.client.setup({"ovirtmgmt": mgmt}, commitOnSuccess=True)
    committed = host.client.call("Host.getRunningConfig", {"which": "committed"})
    strace = Strace(host, "-e", "trace=fsync", "-e", "inject=fsync:error=EIO:when=2+")   # of the file, and then of its folder
    answer = host.client.setup({"lan": {}}, commitOnSuccess=True)
    assert answer["outcome"] == "committed" and "Input/output" in answer["uncommitted"], answer
    status = host.client.call("Host.getStatus")
    assert status["netConfigDirty"] and "Input/output" in status["trouble"]["what"] and "Input/output" in status["last"]["why"], status
    assert host.client.call("Host.getRunningConfig", {"which": "committed"}) == committed
    strace.close()
    agree(host)
    # As a program that applies a file hears it.
    (host.folder / "dmz.json").write_text('{"networks": {"dmz": {}}, "options": {"connectivityCheck": false}}')
    strace = Strace(host, "-e", "trace=fsync", "-e", "inject=fsync:error=EIO:when=2+")
    try:
        host.netd.netctl("apply", "--yes", "--commit", "-f", host.folder / "dmz.json")
        raise AssertionError("not told as a failure")
    except Failed as failed:
        assert "(1)" in str(failed) and "not committed" in str(failed) and "Input/output" in str(failed), failed
    strace.close()
    host.netd.netctl("commit")
    assert not host.client.call("Host.getStatus")["trouble"]
    assert set(host.client.call("Host.getRunningConfig", {"which": "committed"})["networks"]) == {"ovirtmgmt", "lan", "dmz"}


class Mount:
    def __init__(self, path):
        self.path = path

    def close(self):
        run("umount", "-l", self.path, check=False)


@case()
def a_second_netd_does_not_start(host):
    from host import Netd
    second = Netd(host.space, host.netd.folder, host.netd.build, host.ovs.socket)
    host.later(second)
    second.start()
    assert second.process.wait(120) == 1 and "already running" in second.told(), second.told()
    assert host.client.call("Host.ping2")


@case()
def a_second_netd_with_another_run_leaves_the_change_of_the_first_alone(host):
    from host import Netd
    host.client.setup({"ovirtmgmt": mgmt})
    number = host.client.waiting({"networks": {"lan": {"nic": "eno2"}}, "options": {"connectivityTimeout": 60}})
    before = photograph(host.space)
    second = Netd(host.space, host.folder / "second", host.netd.build, host.ovs.socket, ("--state", host.netd.state))
    host.later(second)
    second.start()
    wait_until(lambda: second.process.poll() is not None, 20, lambda: f"it runs: {second.told()}")
    assert second.process.returncode == 1 and f"{host.netd.state}: belongs to another netd that runs (pid {host.netd.process.pid})" in second.told(), second.told()
    watchdogs = lambda: set(map(int, run("pgrep", "-x", "netd-watchdog", check=False).split()))
    wait_until(lambda: watchdogs() <= set(host.netd.watchdogs), 20, "its watchdog stays")
    assert photograph(host.space) == before, "the second one changed the host"
    with host.netd.client() as other:
        assert host.client.receive_confirmed(number, other)["outcome"] == "committed"
    agree(host)
