#!/usr/bin/python3
"""Runs a command on a terminal of 80 columns, types $INPUT (when it has shown $AFTER), prints what the terminal got; ends as the command did."""
import fcntl
import os
import pty
import struct
import sys
import termios

pid, master = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm"
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    os.execvp(sys.argv[1], sys.argv[1:])
to_type, after = os.environ.get("INPUT", "").encode(), os.environ.get("AFTER", "").encode()
shown = b""
while True:
    if to_type and after in shown:
        os.write(master, to_type + b"\n")
        to_type = b""
    try:
        block = os.read(master, 4096)
    except OSError:
        break
    if not block:
        break
    shown += block
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
