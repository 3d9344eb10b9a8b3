"""Each peer, asked for the same as netd: N bridges `bI`, each with NIC `nI` in it, up. The seconds from asking to all of it being there."""

import pathlib
import socket
import subprocess
import threading
import time

from world import checkout, run
from hypervisor import Libvirt


class Watch:
    """Waits for what a peer that does not answer has done: as many NICs that are up and in a bridge."""

    def __init__(self, world, count):
        self.world, self.count = world, count
        self.stop = threading.Event()

    def done(self):
        told = run("ip", "-n", self.world.space.name, "-br", "link", "show", "type", "veth", "up")
        return sum(1 for line in run("ip", "-n", self.world.space.name, "-o", "link", "show", "type", "veth").splitlines() if " master b" in line) >= self.count and told.count("\n") >= self.count

    def until(self, patience):
        # A look at 1000 links costs 20 ms; looking as seldom as a tenth of what has passed keeps the error below that.
        begun = time.perf_counter()
        while not self.done():
            passed = time.perf_counter() - begun
            if passed > patience:
                raise RuntimeError(f"not done after {patience} s")
            time.sleep(max(0.005, passed / 10))
        return begun


def ip_batch(world, count):
    lines = []
    for i in range(count):
        lines += [f"link add b{i} type bridge", f"link set b{i} mtu 1500 up", f"link set n{i} master b{i} up"]
    text = "\n".join(lines) + "\n"
    begun = time.perf_counter()
    run("ip", "-n", world.space.name, "-batch", "-", text=text, patience=500)
    return [time.perf_counter() - begun]


unpacked = checkout / "build/bench/peers"   # by scripts/bench

# A mount namespace in which /run of the peer is its own, what was unpacked of it is over what the machine has, and /sys shows
# the namespace's devices, read-only: that is what tells systemd that there is no udev to wait for.
private = f"""
mount --make-rprivate /
mount -t tmpfs tmpfs /run
umount /sys 2>/dev/null || true
mount -t sysfs -o ro sysfs /sys
for place in usr etc var; do
    if [ -d {unpacked}/$place ]; then mount -t overlay overlay -o lowerdir={unpacked}/$place:/$place /$place; fi
done
mkdir -p /run/systemd/netif /run/dbus /run/lock
"""


def has(path):
    return (unpacked / path).exists() or pathlib.Path("/", path).exists()


def started(world, script):
    """A shell in the world's namespaces that goes on as the peer."""
    place = world.folder / "peer.sh"
    place.write_text("set -e\n" + private + script)
    with open(world.folder / "peer.log", "wb") as log:
        return world.space.start("unshare", "-m", "bash", place, stdout=log, stderr=log)


def ended(world, process):
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def watched(world, count, script, patience):
    process = started(world, script)
    begun = time.perf_counter()
    try:
        watch = Watch(world, count)
        while not watch.done():
            if process.poll() not in (None, 0):
                raise RuntimeError(f"ended with {process.returncode}: {(world.folder / 'peer.log').read_text(errors='replace').strip()[-150:]}")
            if time.perf_counter() - begun > patience:
                raise RuntimeError(f"not done after {patience} s: {(world.folder / 'peer.log').read_text(errors='replace').strip()[-100:]}")
            time.sleep(max(0.005, (time.perf_counter() - begun) / 20))
        return [time.perf_counter() - begun]
    finally:
        ended(world, process)


def networkd(world, count):
    place = world.folder / "network"
    place.mkdir()
    for i in range(count):
        (place / f"10-b{i}.netdev").write_text(f"[NetDev]\nName=b{i}\nKind=bridge\n")
        (place / f"20-b{i}.network").write_text(f"[Match]\nName=b{i}\n[Network]\nLinkLocalAddressing=no\nConfigureWithoutCarrier=yes\n")
        (place / f"30-n{i}.network").write_text(f"[Match]\nName=n{i}\n[Network]\nBridge=b{i}\nLinkLocalAddressing=no\n")
    return watched(world, count, f"mkdir -p /run/systemd/network\ncp {place}/* /run/systemd/network/\nchmod -R a+rX /run/systemd\nexec /lib/systemd/systemd-networkd\n", 200)


def network_manager(world, count):
    if not has("usr/sbin/NetworkManager"):
        raise RuntimeError("could not be had")
    place = world.folder / "connections"
    place.mkdir()
    for i in range(count):
        (place / f"b{i}.nmconnection").write_text(f"[connection]\nid=b{i}\ntype=bridge\ninterface-name=b{i}\n[bridge]\nstp=false\n[ipv4]\nmethod=disabled\n[ipv6]\nmethod=disabled\n")
        (place / f"n{i}.nmconnection").write_text(f"[connection]\nid=n{i}\ntype=ethernet\ninterface-name=n{i}\nmaster=b{i}\nslave-type=bridge\n[match]\n")
    for one in place.iterdir():
        one.chmod(0o600)
    conf = world.folder / "nm.conf"
    conf.write_text("[main]\nplugins=keyfile\ndhcp=internal\nno-auto-default=*\nrc-manager=unmanaged\ndns=none\nauth-polkit=false\n[device]\nmatch-device=*\nmanaged=1\n")
    script = f"""mount -t tmpfs tmpfs /etc/NetworkManager
mkdir -p /etc/NetworkManager/system-connections /run/NetworkManager /run/nm-state
cp -a {place}/* /etc/NetworkManager/system-connections/
mount -t tmpfs tmpfs /var/lib/NetworkManager
dbus-daemon --system --fork --nopidfile
exec NetworkManager --no-daemon --config {conf} --log-level=WARN
"""
    return watched(world, count, script, 300)


def ifupdown2(world, count):
    if not has("usr/share/ifupdown2"):
        raise RuntimeError("could not be had")
    place = world.folder / "interfaces"
    place.write_text("".join(f"auto n{i}\niface n{i}\nauto b{i}\niface b{i}\n    bridge-ports n{i}\n    bridge-stp off\n    bridge-fd 0\n" for i in range(count)))
    begun = time.perf_counter()
    world.space.run("unshare", "-m", "bash", "-c", f"{private} mount -t tmpfs tmpfs /var/tmp; mkdir -p /run/network; ifup -a -i {place}", patience=400)
    return [time.perf_counter() - begun]


def os_vif(world, count):
    """Taps that are there get their ports, one after the other: the seconds of each."""
    if not has("usr/lib/python3/dist-packages/os_vif"):
        raise RuntimeError("could not be had")
    world.limit("taps-stay", count, "t")
    world.limit("taps-stay", 1, "tfirst")
    words = f"{checkout}/bench/peer_os_vif.py {world.ovs.socket} br-int t {count}"
    told = world.space.run("unshare", "-m", "bash", "-c", f"{private} exec /usr/bin/python3 {words}", patience=500)
    return [float(line) for line in told.split()]


def libvirt_networks(world, count):
    """A network each, which is a bridge; libvirt puts guests into it and no NICs, so these are put in afterwards, by one `ip -batch`. Without
    an address it would want iptables, so each has one; and no name service."""
    hypervisor = Libvirt(world.space, world.folder / "libvirt")
    try:
        hypervisor.start()
        for i in range(count):
            (world.folder / f"b{i}.xml").write_text(f"<network><name>b{i}</name><forward mode='open'/><bridge name='b{i}' stp='off' delay='0'/>"
                                                       f"<dns enable='no'/><ip address='10.{i >> 8}.{i & 255}.1' netmask='255.255.255.0'/></network>")
        orders = "".join(f"net-create {world.folder}/b{i}.xml\n" for i in range(count))
        begun = time.perf_counter()
        run("virsh", "-q", "-c", hypervisor.uri, text=orders, patience=400)
        run("ip", "-n", world.space.name, "-batch", "-", text="".join(f"link set n{i} master b{i} up\n" for i in range(count)), patience=400)
        return [time.perf_counter() - begun]
    finally:
        hypervisor.close()


# Name, how, and the largest N that it is asked for: beyond, it takes minutes.
bridges = [("ip -batch", ip_batch, 4000), ("systemd-networkd", networkd, 1000), ("NetworkManager", network_manager, 1000), ("ifupdown2", ifupdown2, 100),
           ("libvirt's networks", libvirt_networks, 1000)]
__all__ = ["bridges", "socket"]
