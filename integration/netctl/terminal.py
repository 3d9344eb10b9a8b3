#!/usr/bin/python3
"""Runs a command on a terminal of 80 columns, types $INPUT, prints what the terminal got; ends as the command did."""
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
if os.environ.get("INPUT"):
    os.write(master, os.environ["INPUT"].encode() + b"\n")
shown = b""
while True:
    try:
        block = os.read(master, 4096)
    except OSError:
        break
    if not block:
        break
    shown += block
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
