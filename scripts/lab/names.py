#!/usr/bin/env python3
"""A name server that knows a few service records.

    names.py ADDRESS DELAY NAME=HOST:PORT...

Prints "ready PORT" when it listens, and "asked NAME TYPE" for each question. The answer to a question for a service
record comes after DELAY seconds; to all others at once, that there is none.
"""

import socket
import struct
import sys
import threading

SRV = 33


def labels(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def parse_question(query):
    at, words = 12, []
    while length := query[at]:
        words.append(query[at + 1 : at + 1 + length].decode())
        at += length + 1
    return ".".join(words), struct.unpack(">H", query[at + 1 : at + 3])[0], query[12 : at + 5]


def answer(query, records):
    name, kind, question = parse_question(query)
    print("asked", name, kind, flush=True)
    record = b""
    if kind == SRV and name in records:
        host, port = records[name].rsplit(":", 1)
        data = struct.pack(">HHH", 1, 1, int(port)) + labels(host)
        record = b"\xc0\x0c" + struct.pack(">HHIH", SRV, 1, 0, len(data)) + data
    head = query[:2] + b"\x85\x80" + struct.pack(">HHHH", 1, 1 if record else 0, 0, 0)
    return head + question + record, kind == SRV


def main(address, delay, *pairs):
    records = dict(pair.split("=", 1) for pair in pairs)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as endpoint:
        endpoint.bind((address, 0))
        print("ready", endpoint.getsockname()[1], flush=True)
        while True:
            query, sender = endpoint.recvfrom(2000)
            message, late = answer(query, records)
            threading.Timer(float(delay) if late else 0, endpoint.sendto, (message, sender)).start()


main(*sys.argv[1:])
