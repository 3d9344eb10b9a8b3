"""A private libvirtd in a namespace, and virtual machines on it that can be told what to do.

libvirtd and QEMU are the real ones, without KVM. Every file of theirs is in one folder; only what libvirtd found out about
QEMU (8 s) is kept over runs, in the checkout's build folder."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import time

from host import Failed, checkout, is_alive, run, wait_until

enter = """
set -e
mount --make-rprivate /
for part in run/libvirt etc/libvirt var/lib/libvirt var/log/libvirt; do
    mkdir -p "/$part" "$0/$part"
    mount --bind "$0/$part" "/$part"
done
# Debian's QEMU driver does not start without its user, which comes with the system service that is not wanted here.
for file in passwd group; do
    cp "/etc/$file" "$0/$file"
    ! grep -q ^libvirt-qemu: "$0/$file" || continue
    case $file in
        passwd) echo 'libvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin' ;;
        group) echo 'libvirt-qemu:x:64055:' ;;
    esac >>"$0/$file"
    mount --bind "$0/$file" "/etc/$file"
done
mkdir -p /var/cache/libvirt "$1"
mount --bind "$1" /var/cache/libvirt
hostname "$2"
exec libvirtd --config "$0/libvirtd.conf" --pid-file "$0/libvirtd.pid"
"""

libvirtd_conf = """
unix_sock_dir = "{folder}/socket"
auth_unix_ro = "none"
auth_unix_rw = "none"
unix_sock_group = "root"
host_uuid = "{uuid}"
log_outputs = "2:file:{folder}/libvirtd.log"
"""
qemu_conf = """
user = "root"
group = "root"
dynamic_ownership = 0
security_driver = "none"
security_default_confined = 0
namespaces = []
cgroup_controllers = []
stdio_handler = "file"
seccomp_sandbox = 0
"""


def image():
    """Kernel and initramfs, made once a checkout."""
    folder = checkout / "build/guest"
    made_by = checkout / "integration/guest-image"
    if not (folder / "kernel").exists() or (folder / "initramfs").stat().st_mtime < made_by.stat().st_mtime:
        run(made_by, folder)
    return folder


class Libvirt:
    def __init__(self, space, folder, ovs_folder=None, number=1):
        """libvirt lets machines migrate between hosts of another name and UUID only: of another number."""
        self.space, self.folder, self.ovs_folder, self.process = space, pathlib.Path(folder), ovs_folder, None
        self.hostname, uuid = f"host{number}", f"6e657464-0000-4000-8000-{number:012d}"
        self.uri = f"qemu+unix:///system?socket={self.folder}/socket/libvirt-sock"
        (self.folder / "socket").mkdir(parents=True)
        (self.folder / "etc/libvirt").mkdir(parents=True)
        (self.folder / "libvirtd.conf").write_text(libvirtd_conf.format(folder=self.folder, uuid=uuid))
        (self.folder / "etc/libvirt/qemu.conf").write_text(qemu_conf)
        self.machines = []

    def start(self, patience=240):
        words = ["unshare", "--mount", "--uts", "bash", "-c", enter, self.folder, checkout / "build/guest/cache", self.hostname]
        # libvirt runs ovs-vsctl without naming a database: this is where it looks.
        environment = dict(os.environ, OVS_RUNDIR=str(self.ovs_folder)) if self.ovs_folder else None
        with open(self.folder / "said", "ab") as said:
            self.process = self.space.start(*words, stdout=said, stderr=said, env=environment)
        wait_until(self.answers, patience, lambda: f"libvirtd does not answer: {(self.folder / 'libvirtd.log').read_text()[-1000:]}")
        return self

    def answers(self):
        with contextlib.suppress(subprocess.TimeoutExpired):
            return subprocess.run(["virsh", "-q", "-c", self.uri, "version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=60).returncode == 0
        return False

    def virsh(self, *words, **how):
        return run("virsh", "-q", "-c", self.uri, *words, **how)

    def signal(self, which):
        self.process.send_signal(which)
        if which == signal.SIGKILL:
            self.process.wait()

    def domains(self):
        return self.virsh("list", "--all", "--name").split()

    def machine(self, name, **how):
        self.machines = [one for one in self.machines if one.name != name]
        return Machine(self, name, **how)

    def machine_interfaces(self, name):
        """Its NICs as libvirt knows them: [(MAC, device)]."""
        listed = self.virsh("domiflist", name, check=False)
        return sorted((line.split()[4], line.split()[0]) for line in listed.splitlines() if len(line.split()) == 5)

    def close(self):
        for machine in self.machines:
            machine.kill()
        if self.process and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGCONT)
                self.process.kill()
            self.process.wait()


domain_xml = """
<domain type='qemu'>
  <name>{name}</name><uuid>{uuid}</uuid>
  <memory unit='MiB'>96</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type><kernel>{image}/kernel</kernel><initrd>{image}/initramfs</initrd>
    <cmdline>console=ttyS0 quiet panic=-1 mitigations=off</cmdline></os>
  <features><acpi/></features>
  <on_poweroff>destroy</on_poweroff><on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <serial type='file'><source path='{folder}/{name}.console'/><target port='0'/></serial>
    <serial type='unix'><source mode='bind' path='{folder}/{name}.serial'/><target port='1'/></serial>
    <controller type='usb' model='none'/><memballoon model='none'/>
    {devices}
  </devices>
</domain>
"""


class Machine:
    """A virtual machine that does what it is told on its serial port."""

    def __init__(self, libvirt, name, devices="", uuid=None):
        self.libvirt, self.name, self.number = libvirt, name, 0
        self.uuid = uuid or f"00000000-0000-4000-8000-{abs(hash(name)) % 10**12:012d}"
        self.link, self.heard = None, b""
        libvirt.machines.append(self)
        text = domain_xml.format(name=name, uuid=self.uuid, image=image(), folder=libvirt.folder, devices=devices)
        (libvirt.folder / f"{name}.xml").write_text(text)
        libvirt.virsh("create", libvirt.folder / f"{name}.xml")

    def ready(self, patience=300):
        """Booted, and listening."""
        if self.link is None:
            self.link = socket.socket(socket.AF_UNIX)
            self.link.connect(f"{self.libvirt.folder}/{self.name}.serial")
            self.link.settimeout(1)
        # What it said before somebody listened is lost: so it is asked.
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            with contextlib.suppress(Failed):
                self.tell("true", patience=3)
                return self
        raise Failed(f"{self.name} does not boot: {(self.libvirt.folder / f'{self.name}.console').read_text(errors='replace')[-500:]}")

    def ask(self, line, patience=180):
        """(what the command said, its status)."""
        self.number += 1
        self.link.sendall(f"{self.number} {line}\n".encode())
        deadline, mark = time.monotonic() + patience, f"done {self.number} ".encode()
        while True:
            before, found, after = self.heard.partition(mark)
            if found and b"\n" in after:
                status, _, self.heard = after.partition(b"\n")
                return before.decode(errors="replace").replace("\r", "").strip(), int(status)
            if time.monotonic() > deadline:
                raise Failed(f"{self.name}: no answer to: {line}")
            with contextlib.suppress(TimeoutError):
                got = self.link.recv(65536)
                if not got:
                    raise Failed(f"{self.name} is gone")
                self.heard += got

    def tell(self, line, patience=180):
        said, status = self.ask(line, patience)
        if status != 0:
            raise Failed(f"{self.name}: {line}: {status}: {said}")
        return said

    def nic(self, mac):
        """What it calls its NIC, or none."""
        return self.ask(f"grep -l {mac} /sys/class/net/*/address | cut -d/ -f5")[0] or None

    def bring_up(self, mac, address, patience=30):
        """The NIC, once the guest has it, with this address."""
        name = wait_until(lambda: self.nic(mac), patience, f"{self.name} never sees {mac}")
        self.tell(f"ip addr flush dev {name}; ip link set {name} up; ip addr add {address} dev {name}")
        return name

    def pings(self, address, patience=30):
        return self.ask(f"ping -q -c 1 -W 1 {address} || ping -q -c 3 -W {patience} {address}")[1] == 0

    def process(self):
        return int((self.libvirt.folder / f"run/libvirt/qemu/{self.name}.pid").read_text())

    def kill(self):
        """As a crash of QEMU does."""
        if self.link:
            self.link.close()
            self.link = None
        with contextlib.suppress(OSError, ValueError):
            pid = self.process()
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)
