"""A systemd-resolved of a host's own, on a system bus of its own: the real ones, in the host's namespace with a /run and a user database of
their own, so that nothing of the machine's is touched. What is to see them (netd, busctl) runs `inside`."""

import contextlib
import json
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import threading

from frames import inside
from host import Failed, checkout, run, wait_until
from runner import Skip

unpacked = checkout / "build/resolved"   # scripts/resolved
program = unpacked / "lib/systemd/systemd-resolved"
user = 64057   # whom it becomes; any that nobody is

enter = f"""
set -e
folder=$0
mount --make-rprivate /
mount -t tmpfs -o mode=755 run /run
for part in dbus systemd/resolve; do
    mkdir -p "/run/$part"
    mount --bind "$folder/$part" "/run/$part"
done
mkdir /run/dhcpcd
for file in passwd group resolv.conf; do mount --bind "$folder/$file" "/etc/$file"; done
export PATH={unpacked}/usr/bin:$PATH LD_LIBRARY_PATH=$LIBRARIES
unset LIBRARIES
exec "$@"
"""

bus_conf = """
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <auth>EXTERNAL</auth>
  <policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/></policy>
</busconfig>
"""


class Names:
    def __init__(self, host):
        if not program.exists():
            raise Skip("there is no systemd-resolved in build/resolved (scripts/resolved)")
        self.host, self.folder = host, host.folder / "names"
        self.bus = self.resolved = None
        for part in ("dbus", "systemd/resolve"):
            (self.folder / part).mkdir(parents=True)
        os.chown(self.folder / "systemd/resolve", user, user)   # else resolved does not believe that it is its own
        for name, line in (("passwd", f"systemd-resolve:x:{user}:{user}::/:/usr/sbin/nologin"), ("group", f"systemd-resolve:x:{user}:")):
            kept = [one for one in pathlib.Path("/etc", name).read_text().splitlines() if not one.startswith("systemd-resolve:")]
            (self.folder / name).write_text("\n".join([*kept, line, ""]))
        # It would read the machine's nameservers there, as nobody says that it is resolved's.
        (self.folder / "resolv.conf").write_text("")
        (self.folder / "bus.conf").write_text(bus_conf)
        host.later(self)

    def inside(self, *words, libraries=""):
        """These words, to be run where resolved and its bus are seen."""
        return ["env", f"LIBRARIES={libraries}", "unshare", "--mount", "bash", "-c", enter, self.folder, *words]

    def _start(self, *words, **how):
        with open(self.folder / "log", "ab") as log:
            return self.host.space.start(*self.inside(*words, **how), stdout=log, stderr=log)

    def start_bus(self):
        (self.folder / "dbus/system_bus_socket").unlink(missing_ok=True)
        self.bus = self._start("dbus-daemon", f"--config-file={self.folder}/bus.conf", "--nofork", "--nopidfile")
        wait_until((self.folder / "dbus/system_bus_socket").exists, what=self.told)

    def start_resolved(self, remembers=True):
        if not remembers:
            shutil.rmtree(self.folder / "systemd/resolve/netif", ignore_errors=True)
        libraries = next((str(file.parent) for file in unpacked.rglob("libsystemd-shared-*.so")), "")
        self.resolved = self._start(program, libraries=libraries)
        wait_until(lambda: "true" in self.ask("call", "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "NameHasOwner", "s", "org.freedesktop.resolve1"), what=self.told)

    def start(self):
        self.start_bus()
        self.start_resolved()
        return self

    def told(self):
        return (self.folder / "log").read_text(errors="replace")[-2000:]

    def end(self, process):
        process.kill()
        process.wait()

    def ask(self, *words, check=True):
        return self.host.space.run(*self.inside("busctl", "--json=short", *words), check=check)

    def of(self, device):
        """(nameservers, search domains, whether other names are asked about there) that resolved has of a device; None: it has no such."""
        link = self.host.space.link(device)
        # A path's element must not begin with a digit, so the first is escaped.
        path = link and f"/org/freedesktop/resolve1/link/_3{link['ifindex']}"
        told = path and self.ask("get-property", "org.freedesktop.resolve1", path, "org.freedesktop.resolve1.Link", "DNS", "Domains", "DefaultRoute", check=False)
        if not told:
            return None
        servers, domains, is_default = (json.loads(line)["data"] for line in told.splitlines())
        return [socket.inet_ntop(family, bytes(address)) for family, address in servers], [name for name, _ in domains], is_default

    def close(self):
        for process in (self.resolved, self.bus):
            if process and process.poll() is None:
                self.end(process)


class Nameserver:
    """Says of every name that it is at this address, and remembers which it was asked about."""

    def __init__(self, space, at, answer):
        with inside(space.name):
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((at, 53))
        self.answer, self.asked = socket.inet_aton(answer), []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                asked, sender = self.socket.recvfrom(4096)
                if not asked:   # closed
                    return
                name, end = _name(asked)
                self.asked.append(name)
                is_a = asked[end:end + 4] == b"\0\1\0\1"
                record = struct.pack("!HHHIH", 0xC00C, 1, 1, 60, 4) + self.answer if is_a else b""
                self.socket.sendto(asked[:2] + b"\x81\x80" + struct.pack("!HHHH", 1, int(is_a), 0, 0) + asked[12:end + 4] + record, sender)

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def _name(question):
    labels, at = [], 12
    while length := question[at]:
        labels.append(question[at + 1:at + 1 + length].decode())
        at += 1 + length
    return ".".join(labels), at + 1


def look_up(space, name, patience=5):
    """The IPv4 address that whoever listens at 127.0.0.53 there tells of a name, or None."""
    with inside(space.name):
        asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with asking:
        asking.settimeout(patience)
        question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0\0\1\0\1"
        asking.sendto(b"\x4e\x44\1\0\0\1\0\0\0\0\0\0" + question, ("127.0.0.53", 53))
        try:
            answer = asking.recv(4096)
        except TimeoutError:
            return None
    return socket.inet_ntoa(answer[-4:]) if answer[7] == 1 else None
