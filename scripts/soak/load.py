#!/usr/bin/env python3
"""The mixed load of the soak test: many kinds of work at once, each repeated until the time is up.

    load.py SECONDS KINDS ADDRESS[,PORT]...

KINDS is a comma-separated list of those below. Each works on every address in turn; a PORT replaces that of the echo
service, for forwards. Prints one line of JSON at the end:
{"KIND": {"done": N, "connections": N, "failed": N, "errors": [first few], "datagrams": N, "lost": N}, ..}
"""

import collections
import errno
import json
import random
import socket
import struct
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lab"))
from payload import matches, piece  # noqa: E402  (the path comes first)

LINGER_RESET = struct.pack("ii", 1, 0)
PATIENCE = 30
ECHO = 7
ANSWER = 5_000_000
STREAM_SECONDS, STREAM_RATE = 20, 4_000_000
IDLE_SECONDS, IDLE_CONNECTIONS = 15, 20
BURST = 20
UDP_PORTS = 16  # reused: a new port would be a new association, and those live for minutes
UDP_FIRST = 20_000

ends = 0.0
figures = collections.defaultdict(lambda: collections.Counter())
errors = collections.defaultdict(list)
lock = threading.Lock()


class Target:
    def __init__(self, text):
        self.address, _, port = text.partition(",")
        self.echo = int(port or ECHO)
        self.family = socket.AF_INET6 if ":" in self.address else socket.AF_INET


def count(kind, **more):
    with lock:
        figures[kind].update(more)


def dial(kind, target, port=None):
    connection = socket.create_connection((target.address, port or target.echo), timeout=PATIENCE)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    count(kind, connections=1)
    return connection


def read_exactly(connection, length):
    answer = b""
    while len(answer) < length:
        data = connection.recv(1 << 16)
        if not data:
            raise ConnectionError(f"the end came after {len(answer)} of {length} bytes")
        answer += data
    return answer


def echo_once(connection, message):
    connection.sendall(message)
    if read_exactly(connection, len(message)) != message:
        raise ConnectionError("another message came back")


def short(target, number):
    """Connects, sends a request, reads the answer, closes."""
    with dial("short", target) as connection:
        echo_once(connection, f"message {number}\n".encode() * (1 + number % 50))
        connection.shutdown(socket.SHUT_WR)
        if connection.recv(1) != b"":
            raise ConnectionError("something came behind the answer")
    time.sleep(0.01)


def stream(target, number):
    """Streams both ways at once at a steady pace, and compares every byte."""
    with dial("stream", target) as connection:
        start, sent, received = time.monotonic(), 0, 0
        writer_error = []

        def write():
            nonlocal sent
            try:
                while (elapsed := time.monotonic() - start) < STREAM_SECONDS and time.monotonic() < ends:
                    if sent > elapsed * STREAM_RATE:
                        time.sleep(0.01)
                        continue
                    connection.sendall(piece(sent, 1 << 16))
                    sent += 1 << 16
                connection.shutdown(socket.SHUT_WR)
            except OSError as error:
                writer_error.append(error)

        writer = threading.Thread(target=write)
        writer.start()
        while data := connection.recv(1 << 16):
            if not matches(received, data):
                raise ConnectionError(f"damaged behind {received} bytes")
            received += len(data)
        writer.join()
        if writer_error:
            raise writer_error[0]
        if received != sent:
            raise ConnectionError(f"{received} of {sent} bytes came back")


def bulk(target, number):
    """Streams as fast as possible for a second, then the reader goes away in the middle."""
    with dial("bulk", target, 9001) as connection:
        received, until = 0, time.monotonic() + 1
        while time.monotonic() < until:
            data = connection.recv(1 << 16)
            if not data:
                raise ConnectionError("the endless stream ended")
            if not matches(received, data):
                raise ConnectionError(f"damaged behind {received} bytes")
            received += len(data)
    time.sleep(4)


def half_closed(target, number):
    """Sends FIN first, then reads the whole answer."""
    with dial("half_closed", target, 9003) as connection:
        connection.sendall(b"please\n")
        connection.shutdown(socket.SHUT_WR)
        received = 0
        while data := connection.recv(1 << 16):
            if not matches(received, data):
                raise ConnectionError(f"damaged behind {received} bytes")
            received += len(data)
        if received != ANSWER:
            raise ConnectionError(f"{received} of {ANSWER} bytes came")
    time.sleep(0.2)


def reset_by_server(target, number):
    with dial("reset_by_server", target, 9005) as connection:
        connection.sendall(b"x")
        try:
            connection.recv(1)
        except ConnectionResetError:
            time.sleep(0.05)
            return
    raise ConnectionError("no reset came")


def reset_by_guest(target, number):
    with dial("reset_by_guest", target, 9006) as connection:
        name = b"soak\n"
        connection.sendall(name)
        read_exactly(connection, len(name))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
    time.sleep(0.05)


def refused(target, number):
    try:
        dial("refused", target, 1).close()
    except ConnectionRefusedError:
        time.sleep(0.05)
        return
    raise ConnectionError("a closed port took a connection")


def idle(target, number):
    """Holds many connections that are silent for long, and checks that they still work."""
    connections = [dial("idle", target) for _ in range(IDLE_CONNECTIONS)]
    try:
        until = min(time.monotonic() + IDLE_SECONDS, ends)
        while time.monotonic() < until:
            time.sleep(0.1)
        for i, connection in enumerate(connections):
            echo_once(connection, b"still there %d" % i)
    finally:
        for connection in connections:
            connection.close()


def udp(target, number):
    """Sends bursts, and compares the echoes. A lost datagram is counted, and is no failure."""
    with socket.socket(target.family, socket.SOCK_DGRAM) as endpoint:
        endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        endpoint.settimeout(1)
        endpoint.bind(("", UDP_FIRST + number % UDP_PORTS))
        endpoint.connect((target.address, target.echo))
        salt = random.randbytes(8)
        sent = {salt + piece(number * BURST + i, random.randint(1, 1400)) for i in range(BURST)}
        for datagram in sent:
            endpoint.send(datagram)
        missing = set(sent)
        try:
            while missing:
                datagram = endpoint.recv(1 << 16)
                if datagram.startswith(salt) and datagram not in sent:
                    raise ConnectionError("a damaged datagram came back")
                missing.discard(datagram)
        except TimeoutError:
            pass
        count("udp", datagrams=len(sent), lost=len(missing))
    time.sleep(0.1)


KINDS = {
    "short": (short, 2),
    "stream": (stream, 1),
    "bulk": (bulk, 1),
    "half_closed": (half_closed, 1),
    "reset_by_server": (reset_by_server, 1),
    "reset_by_guest": (reset_by_guest, 1),
    "refused": (refused, 1),
    "idle": (idle, 1),
    "udp": (udp, 1),
}


def repeat(kind, targets, first, step):
    work, number = KINDS[kind][0], first
    while time.monotonic() < ends:
        try:
            work(targets[number // step % len(targets)], number)
            count(kind, done=1)
        except OSError as error:
            count(kind, failed=1)
            with lock:
                errors[kind].append(f"{targets[number // step % len(targets)].address}: {error_name(error)}")
            time.sleep(0.1)  # a persistent fault must not become a flood
        number += step


def error_name(error):
    return errno.errorcode.get(error.errno, str(error)) if error.errno else repr(error)


def main(seconds, kinds, *addresses):
    global ends
    targets = [Target(text) for text in addresses]
    piece(0, 1)  # makes the payload now, not in every thread at once
    ends = time.monotonic() + float(seconds)
    threads = []
    for kind in kinds.split(","):
        figures[kind].update(done=0, connections=0, failed=0)
        workers = KINDS[kind][1]
        for first in range(workers):
            threads.append(threading.Thread(target=repeat, args=(kind, targets, first, workers)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report = {kind: {**counts, "errors": errors[kind][:10]} for kind, counts in figures.items()}
    print(json.dumps(report), flush=True)


main(*sys.argv[1:])
