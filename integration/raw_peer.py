"""Speaks ZMTP 3.0 (RFC 23) over a socket by itself, and so says what no ZeroMQ library would."""

import contextlib
import socket

_greeting = b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\x00") + bytes(32)
_more, _long, _command = 1, 2, 4


class RawPeer:
    def __init__(self, control, patience=60):
        self.place, self.patience = control.removeprefix("ipc://"), patience
        self._connect()

    def _connect(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(self.patience)
        self.socket.connect(self.place)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def say(self, octets):
        self.socket.sendall(octets)

    def greet(self):
        self._in_time(self._greet)

    def join(self):
        """As a DEALER, whom netd answers READY if it lets him in."""
        self._in_time(self._join)

    def _in_time(self, handshake):
        """netd gives two seconds for it: who was held up for longer comes again."""
        for _ in range(4):
            with contextlib.suppress(ConnectionError):
                return handshake()
            self.socket.close()
            self._connect()
        return handshake()

    def _greet(self):
        self.say(_greeting)
        self._hear(len(_greeting))

    def _join(self):
        self._greet()
        self.frame(b"\x05READY" + b"\x0bSocket-Type" + (6).to_bytes(4, "big") + b"DEALER", _command)
        flags, size = self._hear(2)
        assert flags == _command and self._hear(size).startswith(b"\x05READY")

    def part(self, octets):
        """A part of a message, after which more is to come."""
        self.frame(octets, _more)

    def frame(self, octets, flags=0):
        short = len(octets) < 256
        self.say(bytes([flags | (0 if short else _long)]) + len(octets).to_bytes(1 if short else 8, "big") + octets)

    def heard(self):
        """The next message; what libzmq asks for itself, a heartbeat, is no message."""
        while True:
            flags, size = self._hear(2)
            if flags & _long:
                size = int.from_bytes(bytes([size]) + self._hear(7), "big")
            octets = self._hear(size)
            if not flags & _command:
                return octets

    def is_thrown_out(self):
        """Waits for it."""
        try:
            while self.socket.recv(4096):
                pass
        except ConnectionError:
            pass
        except TimeoutError:
            return False
        return True

    def _hear(self, count):
        heard = b""
        while len(heard) < count:
            part = self.socket.recv(count - len(heard))
            if not part:
                raise ConnectionError("netd hung up")
            heard += part
        return heard
