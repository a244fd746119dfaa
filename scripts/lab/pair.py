#!/usr/bin/env python3
"""Runs two commands connected by a pair of Unix datagram sockets.

    pair.py COMMAND... -- COMMAND...

Each has the descriptor of its end instead of "{fd}". Ends the first when the second has ended, with its status.
"""

import socket
import subprocess
import sys


def start(command, end):
    fd = end.fileno()
    with end:
        return subprocess.Popen([word.replace("{fd}", str(fd)) for word in command], pass_fds=[fd])


def main(words):
    middle = words.index("--")
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    first = start(words[:middle], one)
    try:
        return start(words[middle + 1 :], other).wait()
    finally:
        first.terminate()
        first.wait()


sys.exit(main(sys.argv[1:]))
