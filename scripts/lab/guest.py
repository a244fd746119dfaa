#!/usr/bin/env python3
"""The guest's clients of the world's servers (world.py). Each prints one line of JSON with its observations.

    guest.py connect ADDRESS PORT             {"error": null or errno's name, "seconds": S}
    guest.py echo ADDRESS COUNT at-once|in-turn
                                              {"echoed": N, "errors": [..]}
    guest.py udp ADDRESS PORT SIZE...         [{"size": N, "error": null or why}, ..]
    guest.py slow-read ADDRESS SECONDS        {"bytes": N, "intact": B}: reads 1 MB/s from the source
    guest.py fast-write ADDRESS SECONDS       {"bytes": N, "verdict": what the slow sink said}
    guest.py half-close ADDRESS               {"bytes": N, "intact": B}: FIN first, then reads the answer
    guest.py fin-first ADDRESS NAME           {"sent": N}: sends 5 MB after the server's FIN
    guest.py reset-by-server ADDRESS          {"error": errno's name or null}
    guest.py reset ADDRESS NAME               {}: resets a connection that works
    guest.py hold ADDRESS COUNT               {"open": N}, and keeps them open until its stdin ends
    guest.py await-end ADDRESS                {"open": 1}, and when that connection ends {"error": errno's name or null}
"""

import errno
import json
import selectors
import socket
import struct
import sys
import threading
import time

from payload import blob, matches, piece

ANSWER = 5_000_000
RATE = 1_000_000
LINGER_RESET = struct.pack("ii", 1, 0)
PATIENCE = 15


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def error_name(error):
    if isinstance(error, TimeoutError) and error.errno is None:
        return "timeout"
    return errno.errorcode.get(error.errno, str(error))


def dial(address, port, timeout=PATIENCE):
    connection = socket.create_connection((address, port), timeout=timeout)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def read_to_end(connection):
    count, intact = 0, True
    while data := connection.recv(1 << 16):
        intact = intact and matches(count, data)
        count += len(data)
    return count, intact


def connect(address, port):
    start = time.monotonic()
    try:
        dial(address, int(port), 5).close()
        error = None
    except OSError as failure:
        error = error_name(failure)
    return {"error": error, "seconds": time.monotonic() - start}


def echo_once(connection, number):
    message = f"message {number}\n".encode() * (1 + number % 50)
    connection.sendall(message)
    answer = b""
    while len(answer) < len(message):
        data = connection.recv(1 << 16)
        if not data:
            raise ConnectionError("the end came too early")
        answer += data
    if answer != message:
        raise ConnectionError("another message came back")


def echo(address, count, manner):
    errors, count = [], int(count)
    at_once = manner == "at-once"
    together = threading.Barrier(count if at_once else 1)

    def one(number):
        try:
            with dial(address, 7) as connection:
                echo_once(connection, number)
                together.wait(PATIENCE)  # no client closes before all have been answered
                echo_once(connection, number + 1)
        except (OSError, threading.BrokenBarrierError) as failure:
            errors.append(str(failure))

    if at_once:
        threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    else:
        for number in range(count):
            one(number)
    return {"echoed": count - len(errors), "errors": errors[:5]}


def udp(address, port, *sizes):
    results = []
    for size in map(int, sizes):
        error, sent = None, piece(size, size)
        with socket.socket(family(address), socket.SOCK_DGRAM) as endpoint:
            endpoint.settimeout(2)
            endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
            try:
                endpoint.connect((address, int(port)))
                endpoint.send(sent)
                if endpoint.recv(1 << 16) != sent:
                    error = "another datagram came back"
            except OSError as failure:
                error = error_name(failure)
        results.append({"size": size, "error": error})
    return results


def slow_read(address, seconds):
    with dial(address, 9001) as connection:
        start, count, intact = time.monotonic(), 0, True
        while (elapsed := time.monotonic() - start) < float(seconds):
            if count > elapsed * RATE:
                time.sleep(count / RATE - elapsed)
            data = connection.recv(10_000)
            if not data:
                break
            intact = intact and matches(count, data)
            count += len(data)
    return {"bytes": count, "intact": intact}


def fast_write(address, seconds):
    with dial(address, 9002, None) as connection:
        connection.sendall(f"{seconds}\n".encode())
        connection.setblocking(False)
        selector = selectors.DefaultSelector()
        selector.register(connection, selectors.EVENT_READ | selectors.EVENT_WRITE)
        count, verdict = 0, b""
        deadline = time.monotonic() + float(seconds) + PATIENCE
        while not verdict.endswith(b"\n") and time.monotonic() < deadline:
            for _, events in selector.select(1):
                if events & selectors.EVENT_READ:
                    data = connection.recv(1000)
                    if not data:
                        return {"bytes": count, "verdict": "the end came too early"}
                    verdict += data
                elif events & selectors.EVENT_WRITE:
                    count += connection.send(piece(count, 1 << 16))
    return {"bytes": count, "verdict": verdict.decode().strip()}


def half_close(address):
    with dial(address, 9003) as connection:
        connection.sendall(b"please\n")
        connection.shutdown(socket.SHUT_WR)
        count, intact = read_to_end(connection)
    return {"bytes": count, "intact": intact}


def fin_first(address, name):
    with dial(address, 9004) as connection:
        connection.sendall(f"{name}\n".encode())
        if connection.recv(1) != b"":
            return {"sent": -1}
        connection.sendall(piece(0, ANSWER))
    return {"sent": ANSWER}


def reset_by_server(address):
    try:
        with dial(address, 9005) as connection:
            connection.sendall(b"x")
            connection.recv(1)
        return {"error": None}
    except OSError as failure:
        return {"error": error_name(failure)}


def reset(address, name):
    with dial(address, 9006) as connection:
        connection.sendall(f"{name}\n".encode())
        connection.recv(1000)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
    return {}


def hold(address, count):
    connections = [dial(address, 9007) for _ in range(int(count))]
    print(json.dumps({"open": len(connections)}), flush=True)
    sys.stdin.read()
    sys.exit()


def await_end(address):
    with dial(address, 9007) as connection:
        print(json.dumps({"open": 1}), flush=True)
        try:
            connection.recv(1)
            return {"error": None}
        except OSError as failure:
            return {"error": error_name(failure)}


COMMANDS = {
    "connect": connect,
    "echo": echo,
    "udp": udp,
    "slow-read": slow_read,
    "fast-write": fast_write,
    "half-close": half_close,
    "fin-first": fin_first,
    "reset-by-server": reset_by_server,
    "reset": reset,
    "hold": hold,
    "await-end": await_end,
}

print(json.dumps(COMMANDS[sys.argv[1]](*sys.argv[2:])), flush=True)
