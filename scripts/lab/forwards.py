#!/usr/bin/env python3
"""Services and clients for the tests of forwards. Clients print one line of JSON with their observations.

    forwards.py serve ADDRESS...             on port 9100: TCP says the client's address and port in a line and echoes;
                                             UDP answers each datagram with the same line and the datagram.
                                             Prints "ready"
    forwards.py ask ADDRESS PORT [SOURCE]    {"tcp": address that the service sees, "port": its port}
    forwards.py ask-udp ADDRESS PORT [SOURCE]
                                             {"udp": address, "port": port, "alone": B: came with nothing but the question}
    forwards.py pieces ADDRESS PORT HEX...   sends each piece in a segment of its own, then "ping" if the last is not
                                             "end"; {"answer": all that came up to the end or the first 4 bytes after
                                             the first line, "error": errno's name or null}
    forwards.py datagrams ADDRESS PORT HEX... sends each, and {"answers": [HEX, ..]} with what comes back to each:
                                             null for nothing within half a second, errno's name for an error
    forwards.py crowd ADDRESS PORT CLIENTS DATAGRAMS
                                             each client sends a burst of datagrams; {"complete": clients that got all
                                             of theirs and nothing else, in order, "errors": [..]}
    forwards.py exchanges ADDRESS PORT COUNT from a socket of its own each; {"answered": N}
"""

import contextlib
import errno
import json
import os
import select
import socket
import sys
import threading
import time

SERVICE = 9100
SO_RCVBUFFORCE = 33  # socket(7); the lab's programs run as root
PATIENCE = 10


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def who(sender):
    return f"{sender[0]} {sender[1]}\n".encode()


def serve_connection(connection, sender):
    with connection:
        try:
            connection.sendall(who(sender))
            while data := connection.recv(1 << 16):
                connection.sendall(data)
        except ConnectionError:
            pass  # the client went away


def accept(listener):
    while True:
        threading.Thread(target=serve_connection, args=listener.accept(), daemon=True).start()


def answer_datagrams(endpoint):
    while True:
        data, sender = endpoint.recvfrom(1 << 16)
        endpoint.sendto(who(sender) + data, sender)


def stay_in_order():
    """Pins a sender to one processor: loopback queues by processor, so a sender that moves reorders packets."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def serve(*addresses):
    stay_in_order()
    for address in addresses:
        listener = socket.create_server((address, SERVICE), family=family(address), backlog=1024)
        endpoint = socket.socket(family(address), socket.SOCK_DGRAM)
        endpoint.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 22)
        endpoint.bind((address, SERVICE))
        for target, socket_ in ((accept, listener), (answer_datagrams, endpoint)):
            threading.Thread(target=target, args=(socket_,), daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


def connect(kind, address, port, source=None):
    endpoint = socket.socket(family(address), kind)
    endpoint.settimeout(PATIENCE)
    if source is not None:
        endpoint.bind((source, 0))
    endpoint.connect((address, int(port)))
    return endpoint


def ask(address, port, source=None):
    with connect(socket.SOCK_STREAM, address, port, source) as connection:
        connection.sendall(b"ping")
        line = b""
        while not line.endswith(b"\nping"):
            data = connection.recv(1000)
            if not data:
                raise ConnectionError(f"it ended after {line}")
            line += data
    seen = line.decode().split()
    return {"tcp": seen[0], "port": int(seen[1])}


def ask_udp(address, port, source=None):
    with connect(socket.SOCK_DGRAM, address, port, source) as endpoint:
        endpoint.send(b"ping")
        seen = endpoint.recv(1000).decode().split()
    return {"udp": seen[0], "port": int(seen[1]), "alone": seen[2] == "ping"}


def pieces(address, port, *words):
    answer, error = b"", None
    try:
        with connect(socket.SOCK_STREAM, address, port) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for word in words:
                if word == "end":
                    with contextlib.suppress(OSError):  # it was reset already: recv reports that
                        connection.shutdown(socket.SHUT_WR)
                else:
                    connection.sendall(bytes.fromhex(word))
                time.sleep(0.005)  # so that they are rarely merged, which would be no fault
            if words[-1] != "end":
                connection.sendall(b"ping")
            while not answer.endswith(b"ping"):
                data = connection.recv(1 << 16)
                if not data:
                    break
                answer += data
    except OSError as failure:
        error = errno.errorcode.get(failure.errno, str(failure))
    return {"answer": answer.decode(), "error": error}


def datagrams(address, port, *words):
    answers = []
    with connect(socket.SOCK_DGRAM, address, port) as endpoint:
        for word in words:
            endpoint.send(bytes.fromhex(word))
            readable, _, _ = select.select([endpoint], [], [], 0.5)
            try:
                answers.append(endpoint.recv(1 << 16).hex() if readable else None)
            except OSError as failure:
                answers.append(errno.errorcode[failure.errno])
    return {"answers": answers}


def crowd(address, port, clients, count):
    """Each datagram carries its client and its number; sizes differ, so that merged or cut ones show."""
    stay_in_order()
    count, errors = int(count), []
    endpoints = [connect(socket.SOCK_DGRAM, address, port) for _ in range(int(clients))]
    sent = [
        [f"client {i} datagram {k} ".encode() * (1 + (7 * i + k) % 40) for k in range(count)]
        for i in range(len(endpoints))
    ]
    for endpoint, messages in zip(endpoints, sent):
        for message in messages:
            endpoint.send(message)
    for i, (endpoint, messages) in enumerate(zip(endpoints, sent)):
        got = []
        try:
            while len(got) < count:
                got.append(endpoint.recv(1 << 16).split(b"\n", 1)[-1])
        except TimeoutError:
            for other in endpoints:
                other.settimeout(0.1)  # the first wait was for all
        if got != messages:
            errors.append(f"client {i}: {len(got)} of {count}, in order: {got == messages[: len(got)]}")
    for i, endpoint in enumerate(endpoints):
        endpoint.setblocking(False)
        try:
            errors.append(f"client {i}: one more: {endpoint.recv(1 << 16)}")
        except BlockingIOError:
            pass
    return {"complete": len(endpoints) - len(errors), "errors": errors[:5]}


def exchanges(address, port, count):
    """Sends from every port in turn, and from the first again."""
    answered, count, to = 0, int(count), (address, int(port))
    for number in range(count):
        with socket.socket(family(address), socket.SOCK_DGRAM) as endpoint:
            endpoint.bind(("", 10_000 + number % 50_000))
            endpoint.settimeout(2)
            endpoint.sendto(b"question %d" % number, to)
            try:
                answered += endpoint.recv(1000).endswith(b"question %d" % number)
            except OSError:
                pass
    return {"answered": answered}


COMMANDS = {
    "ask": ask,
    "ask-udp": ask_udp,
    "pieces": pieces,
    "datagrams": datagrams,
    "crowd": crowd,
    "exchanges": exchanges,
}

if sys.argv[1] == "serve":
    serve(*sys.argv[2:])
print(json.dumps(COMMANDS[sys.argv[1]](*sys.argv[2:])), flush=True)
