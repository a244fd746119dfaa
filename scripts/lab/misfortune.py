#!/usr/bin/env python3
"""Clients that misbehave, or that watch while something else does. Each prints lines of JSON.

    misfortune.py talk ADDRESS               connects to the echo service and prints {"open": 1}; then for each line of its
                                             stdin, has it echoed and prints {"echoed": B, "seconds": S}
    misfortune.py gulp ADDRESS COUNT         reads from COUNT connections to the source as fast as it can; {"open": N}; then
                                             for each line of its stdin {"moved": connections that have brought 1 MiB or
                                             more since, waited for up to 30 s, "damaged": those that have ever brought
                                             something else than the source sends}
    misfortune.py stuff ADDRESS COUNT        writes to COUNT connections to the service that reads nothing until for half a
                                             second none takes more; {"open": N, "bytes": N}; stays until its stdin ends
    misfortune.py many ADDRESS COUNT         opens COUNT connections to the echo service; {"open": N,
                                             "errors": {errno's name: N}}; closes all when its stdin ends
    misfortune.py syn-flood ADDRESS PORT     from other addresses of the guest's network, a SYN each, some 1,000 a second, until
                                             its stdin ends; {"flooding": 1}, and at the end {"sent": N}
    misfortune.py mute ADDRESS PORT PATH COUNT
                                             COUNT times asks for PATH by HTTP and does not read; {"open": N}, until its stdin ends
"""

import collections
import errno
import json
import os
import random
import selectors
import socket
import struct
import sys
import time

from payload import matches

PATIENCE = 15


def say(**words):
    print(json.dumps(words), flush=True)


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def dial(address, port, timeout=PATIENCE):
    connection = socket.create_connection((address, int(port)), timeout=timeout)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def talk(address):
    with dial(address, 7, 30) as connection:
        say(open=1)
        for line in sys.stdin:
            start, message, answer = time.monotonic(), line.encode(), b""
            connection.sendall(message)
            while len(answer) < len(message):
                data = connection.recv(1000)
                if not data:
                    break
                answer += data
            say(echoed=answer == message, seconds=time.monotonic() - start)


def gulp(address, count):
    selector, count = selectors.DefaultSelector(), int(count)
    for number in range(count):
        connection = dial(address, 9001)
        connection.setblocking(False)
        selector.register(connection, selectors.EVENT_READ, number)
    selector.register(sys.stdin, selectors.EVENT_READ, None)
    say(open=count)
    offsets, since, damaged, deadline = [0] * count, [0] * count, set(), None
    while True:
        for key, _ in selector.select(0.1):
            number = key.data
            if number is not None:
                data = key.fileobj.recv(1 << 16)
                if not matches(offsets[number], data):
                    damaged.add(number)
                offsets[number] += len(data)
                if not data:
                    selector.unregister(key.fileobj)
            elif os.read(0, 1000):
                since, deadline = list(offsets), time.monotonic() + 30
            else:
                return
        if deadline is not None:
            moved = sum(now - then >= 1 << 20 for now, then in zip(offsets, since))
            if moved == count or time.monotonic() > deadline:
                say(moved=moved, damaged=len(damaged))
                deadline = None


def stuff(address, count):
    connections = [dial(address, 9007) for _ in range(int(count))]
    for connection in connections:
        connection.setblocking(False)
    piece, total, last = b"x" * (1 << 16), 0, time.monotonic()
    while time.monotonic() - last < 0.5:
        for connection in connections:
            try:
                total += connection.send(piece)
                last = time.monotonic()
            except BlockingIOError:
                pass
        time.sleep(0.001)
    say(open=len(connections), bytes=total)
    sys.stdin.read()


def many(address, count):
    connections, errors = [], collections.Counter()
    for _ in range(int(count)):
        try:
            connections.append(dial(address, 7, 5))
        except OSError as failure:
            errors["timeout" if failure.errno is None else errno.errorcode[failure.errno]] += 1
    say(open=len(connections), errors=errors)
    sys.stdin.read()


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def syn_flood(address, port):
    endpoint = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    destination, sent = socket.inet_aton(address), 0
    os.set_blocking(0, False)
    say(flooding=1)
    while sys.stdin.buffer.raw.read(1) is None:  # b"": its end
        for _ in range(20):
            source = bytes([10, 0, 2, random.randrange(101, 250)])
            ports = struct.pack("!HH", random.randrange(1024, 65536), int(port))
            segment = ports + struct.pack("!IIBBHHH", random.getrandbits(32), 0, 5 << 4, 2, 65535, 0, 0)
            pseudo = source + destination + struct.pack("!HH", 6, len(segment))
            segment = segment[:16] + struct.pack("!H", checksum(pseudo + segment)) + segment[18:]
            header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), 0, 0, 64, 6, 0) + source + destination
            try:
                endpoint.sendto(header + segment, (address, 0))
                sent += 1
            except OSError:
                pass  # the device's queue is full
        time.sleep(0.02)
    say(sent=sent)


def mute(address, port, path, count):
    connections = []
    for _ in range(int(count)):
        connection = socket.socket(family(address), socket.SOCK_STREAM)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)  # the least possible
        connection.connect((address, int(port)))
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        connections.append(connection)
    say(open=len(connections))
    sys.stdin.read()


COMMANDS = {"talk": talk, "gulp": gulp, "stuff": stuff, "many": many, "syn-flood": syn_flood, "mute": mute}
COMMANDS[sys.argv[1]](*sys.argv[2:])
