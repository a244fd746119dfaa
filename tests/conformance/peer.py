#!/usr/bin/env python3
"""The guest's end of the connections of bad_link_test.ts: calls or is called, sends and checks every byte, closes.

    peer.py PATTERN ANCHOR4 ANCHOR6        one connection a line on stdin: VERSION calls|called NUMBER TO_SEND

PATTERN is a file of bytes; the stream of a connection starts at NUMBER in it and goes round. Connection NUMBER is to or
from port 10000 + NUMBER. Prints "ready" when it listens, then a line of JSON for each connection:
{"number": N, "received": bytes, "intact": whether they were right, "error": null or what}.
"""

import json
import socket
import sys
import threading

PATIENCE = 120
FIRST_PORT = 10_000

with open(sys.argv[1], "rb") as file:
    PATTERN = file.read()
ANCHORS = {"4": sys.argv[2], "6": sys.argv[3]}
FAMILIES = {"4": socket.AF_INET, "6": socket.AF_INET6}
ROUND = PATTERN * 3
printing = threading.Lock()


def piece(position, length):
    start = position % len(PATTERN)
    return ROUND[start : start + length]


def send(connection, number, count):
    sent = 0
    while sent < count:
        sent += connection.send(piece(number + sent, min(65_536, count - sent)))
    connection.shutdown(socket.SHUT_WR)


def exchange(connection, number, count):
    connection.settimeout(PATIENCE)
    writer = threading.Thread(target=send, args=(connection, number, count))
    writer.start()
    received, intact = 0, True
    while data := connection.recv(65_536):
        intact = intact and data == piece(number + received, len(data))
        received += len(data)
    writer.join()
    return {"received": received, "intact": intact}


def serve(open_connection, number, count):
    result = {"number": number, "received": 0, "intact": False, "error": None}
    try:
        with open_connection() as connection:
            result.update(exchange(connection, number, count))
    except OSError as error:
        result["error"] = str(error)
    with printing:
        print(json.dumps(result), flush=True)


def call(version, number):
    return socket.create_connection((ANCHORS[version], FIRST_PORT + number), PATIENCE)


def accept(listener):
    listener.settimeout(PATIENCE)
    return listener.accept()[0]


def main():
    threads = []
    for line in sys.stdin:
        version, manner, number, count = line.split()
        number = int(number)
        if manner == "calls":
            opener = lambda version=version, number=number: call(version, number)
        else:
            listener = socket.create_server(("", FIRST_PORT + number), family=FAMILIES[version])
            opener = lambda listener=listener: accept(listener)
        threads.append(threading.Thread(target=serve, args=(opener, number, int(count))))
    print("ready", flush=True)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


main()
