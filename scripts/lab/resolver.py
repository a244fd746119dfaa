#!/usr/bin/env python3
"""A name server that answers any question, over UDP and TCP on port 53.

    resolver.py ADDRESS... NAME=ADDRESS...

Prints "ready" when it listens, and "asked udp NAME TYPE" or "asked tcp NAME TYPE" for each question.

    NAME of the command line   its A or AAAA record
    txt-N.test                 a TXT record of N bytes: cut off over UDP where the client takes less
    rcode-N.test               that response code
    slow-MS.test               192.0.2.77 as its A record, that many ms later
    silent.test                no answer
    all others                 that there is no such name

Answers over TCP come when they are ready, in any order.
"""

import ipaddress
import re
import socket
import struct
import sys
import threading

A, TXT, AAAA, OPT = 1, 16, 28, 41
NXDOMAIN = 3
records = {}


def labels(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def parse(query):
    """Returns the name, its type, the question unchanged, and the size limit of an answer over UDP."""
    at, words = 12, []
    while length := query[at]:
        words.append(query[at + 1 : at + 1 + length].decode())
        at += length + 1
    end = at + 5
    edns = query[11] and query[end : end + 3] == b"\0" + struct.pack(">H", OPT)
    size = struct.unpack(">H", query[end + 3 : end + 5])[0] if edns else 512
    return ".".join(words), struct.unpack(">H", query[at + 1 : at + 3])[0], query[12:end], size


def record(kind, data):
    return b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(data)) + data


def text(size):
    whole, rest = divmod(size, 255)
    return b"".join(bytes([n]) + b"x" * n for n in [255] * whole + [rest])


def lookup(name, kind):
    """Returns the response code, the records, and the delay in seconds; None: no answer."""
    known = records.get(name.lower())
    special = re.fullmatch(r"(txt|rcode|slow)-(\d+)\.test", name)
    if name == "silent.test":
        return None
    if known:
        fits = (kind == A) == (known.version == 4) and kind in (A, AAAA)
        return 0, [record(kind, known.packed)] if fits else [], 0
    if special is None:
        return NXDOMAIN, [], 0
    what, number = special[1], int(special[2])
    if what == "txt":
        return 0, [record(TXT, text(number))] if kind == TXT else [], 0
    if what == "slow":
        return 0, [record(A, bytes([192, 0, 2, 77]))] if kind == A else [], number / 1000
    return number, [], 0


def answer(query, network, send):
    name, kind, question, size = parse(query)
    print("asked", network, name, kind, flush=True)
    found = lookup(name, kind)
    if found is None:
        return
    rcode, answers, delay = found
    head = lambda flags, count: query[:2] + struct.pack(">HHHHH", flags | rcode, 1, count, 0, 0)
    message = head(0x8180, len(answers)) + question + b"".join(answers)
    if network == "udp" and len(message) > size:
        message = head(0x8380, 0) + question
    threading.Timer(delay, send, (message,)).start() if delay else send(message)


def exactly(connection, length):
    data = b""
    while len(data) < length:
        piece = connection.recv(length - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def converse(connection):
    with connection:
        try:
            while True:
                query = exactly(connection, struct.unpack(">H", exactly(connection, 2))[0])
                answer(query, "tcp", lambda message: connection.sendall(struct.pack(">H", len(message)) + message))
        except (EOFError, OSError):
            pass


def serve_udp(endpoint):
    while True:
        query, sender = endpoint.recvfrom(65535)
        answer(query, "udp", lambda message, sender=sender: endpoint.sendto(message, sender))


def serve_tcp(listener):
    while True:
        threading.Thread(target=converse, args=(listener.accept()[0],), daemon=True).start()


def main(*words):
    for word in words:
        if "=" in word:
            name, address = word.split("=", 1)
            records[name] = ipaddress.ip_address(address)
            continue
        where = socket.getaddrinfo(word, 53, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST)[0]
        endpoint = socket.socket(where[0], socket.SOCK_DGRAM)
        endpoint.bind(where[4])
        listener = socket.socket(where[0], socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where[4])
        listener.listen(100)
        threading.Thread(target=serve_udp, args=(endpoint,), daemon=True).start()
        threading.Thread(target=serve_tcp, args=(listener,), daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


main(*sys.argv[1:])
