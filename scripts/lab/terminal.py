#!/usr/bin/env python3
"""Runs a command in a terminal of its own, and types into it.

    terminal.py STEP... -- COMMAND...

    until:REGEX   waits until the terminal shows what matches, behind what was matched before
    type:TEXT     types it; \\x03 is Ctrl-C, \\x04 Ctrl-D, \\x1a Ctrl-Z
    press:TEXT    types it, and again each second while the next step waits: bash overlooks a Ctrl-C in the moment
                  before it waits for a key

Then waits for the command's end, and prints all that the terminal has shown, and "status N" (-N for a signal). The
status is 1, with a message on stderr, where something is not shown, or no end comes, in 30 seconds.
"""

import os
import pty
import re
import select
import sys
import time

PATIENCE = 30


class Terminal:
    def __init__(self, command):
        self.shown = b""
        self.at = 0
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvp(command[0], command)

    def read(self, deadline, what):
        """Reads more output; False at the end."""
        if not select.select([self.fd], [], [], max(0, deadline - time.monotonic()))[0]:
            sys.exit(f"waited in vain for {what}:\n{self.shown.decode()}")
        try:
            data = os.read(self.fd, 4096)
        except OSError:  # EIO: no process has the terminal open any more
            data = b""
        self.shown += data
        return data != b""

    def until(self, pattern, pressed=None):
        deadline = time.monotonic() + PATIENCE
        while not (match := re.compile(pattern.encode()).search(self.shown, self.at)):
            if pressed and not select.select([self.fd], [], [], 1)[0] and time.monotonic() < deadline:
                os.write(self.fd, pressed)
                continue
            if not self.read(deadline, pattern):
                sys.exit(f"ended before {pattern}:\n{self.shown.decode()}")
        self.at = match.end()

    def end(self):
        deadline = time.monotonic() + PATIENCE
        while self.read(deadline, "the end"):
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def main():
    split = sys.argv.index("--")
    terminal = Terminal(sys.argv[split + 1 :])
    pressed = None
    for step in sys.argv[1:split]:
        kind, text = step.split(":", 1)
        if kind == "until":
            terminal.until(text, pressed)
            pressed = None
        else:
            os.write(terminal.fd, text.encode())
            pressed = text.encode() if kind == "press" else None
    status = terminal.end()
    print(f"{terminal.shown.decode()}\nstatus {status}")


main()
