#!/usr/bin/env python3
"""The world's servers, all in one process, on every address that is given as an argument.

Prints "ready SHA256" (of the file that it serves) when all of them listen, and then a line for what it has seen.

    tcp   80  HTTP: GET / (a page), GET /blob (30 MB); POST answers with the SHA-256 of what was posted
    tcp    7  echo
    udp    7  echo, also of the largest datagram
    tcp 9001  source: sends without end
    tcp 9002  slow sink: reads 1 MB/s for the seconds that the first line names, then says "BYTES intact|damaged"
    tcp 9003  answer after FIN: reads up to the client's FIN, then sends 5 MB
    tcp 9004  FIN first: reads a line (a name), sends its FIN, reads the rest; prints "fin-first NAME BYTES intact|damaged"
    tcp 9005  reset: reads a byte and resets
    tcp 9006  watch: reads a line (a name), says it back; prints "watch NAME eof|reset" when it ends
    tcp 9007  hold: accepts, and reads nothing
"""

import hashlib
import http.server
import socket
import struct
import sys
import threading
import time

from payload import blob, matches, piece

ANSWER = 5_000_000
RATE = 1_000_000
LINGER_RESET = struct.pack("ii", 1, 0)
held = []


def report(*words):
    print(*words, flush=True)


def read_line(connection):
    line = b""
    while not line.endswith(b"\n"):
        byte = connection.recv(1)
        if not byte:
            break
        line += byte
    return line.decode().strip()


def read_all(connection):
    """Reads to the end. Returns the count, and whether it was the stream from its beginning."""
    count, intact = 0, True
    while data := connection.recv(1 << 16):
        intact = intact and matches(count, data)
        count += len(data)
    return count, "intact" if intact else "damaged"


def echo(connection):
    while data := connection.recv(1 << 16):
        connection.sendall(data)


def source(connection):
    offset = 0
    while True:
        connection.sendall(piece(offset, 1 << 16))
        offset += 1 << 16


def slow_sink(connection):
    seconds = float(read_line(connection))
    start, count, intact = time.monotonic(), 0, True
    while (elapsed := time.monotonic() - start) < seconds:
        if count > elapsed * RATE:
            time.sleep(count / RATE - elapsed)
        data = connection.recv(10_000)
        if not data:
            break
        intact = intact and matches(count, data)
        count += len(data)
    connection.sendall(f"{count} {'intact' if intact else 'damaged'}\n".encode())
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(1 << 16):
        pass  # so that bytes still in flight do not turn the end into a reset


def answer_after_fin(connection):
    while connection.recv(1 << 16):
        pass
    connection.sendall(piece(0, ANSWER))


def fin_first(connection):
    name = read_line(connection)
    connection.shutdown(socket.SHUT_WR)
    report("fin-first", name, *read_all(connection))


def reset(connection):
    connection.recv(1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)


def watch(connection):
    name = read_line(connection)
    connection.sendall(f"{name}\n".encode())
    try:
        while connection.recv(1 << 16):
            pass
        report("watch", name, "eof")
    except ConnectionResetError:
        report("watch", name, "reset")


def hold(connection):
    held.append(connection.dup())


SERVICES = {
    7: echo,
    9001: source,
    9002: slow_sink,
    9003: answer_after_fin,
    9004: fin_first,
    9005: reset,
    9006: watch,
    9007: hold,
}


class Web(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def reply(self, body, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/blob":
            self.reply(blob(), "application/octet-stream")
        else:
            self.reply(f"Hello, {self.client_address[0]}, this is the world.\n".encode(), "text/plain")

    def do_POST(self):
        left, digest = int(self.headers["Content-Length"]), hashlib.sha256()
        while left > 0:
            data = self.rfile.read(min(left, 1 << 16))
            if not data:
                return
            digest.update(data)
            left -= len(data)
        self.reply(digest.hexdigest().encode(), "text/plain")

    def log_message(self, format, *args):
        pass


class WebServer(http.server.ThreadingHTTPServer):
    request_queue_size = 128

    def __init__(self, address):
        self.address_family = family(address)
        super().__init__((address, 80), Web)

    def server_bind(self):
        self.socket.bind(self.server_address)  # the base class would look up the host's name
        self.server_name, self.server_port = "world", 80

    def handle_error(self, request, client_address):
        pass  # a client that goes away is no news


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def serve(connection, service):
    with connection:
        try:
            service(connection)
        except (ConnectionError, TimeoutError):
            pass  # the client went away


def accept(listener, service):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection, service), daemon=True).start()


def echo_datagrams(endpoint):
    while True:
        data, sender = endpoint.recvfrom(1 << 16)
        try:
            endpoint.sendto(data, sender)
        except OSError as error:
            report("udp", error)


def background(target, *args):
    threading.Thread(target=target, args=args, daemon=True).start()


def main(addresses):
    for address in addresses:
        for port, service in SERVICES.items():
            listener = socket.create_server((address, port), family=family(address), backlog=1024)
            background(accept, listener, service)
        endpoint = socket.socket(family(address), socket.SOCK_DGRAM)
        endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        endpoint.bind((address, 7))
        background(echo_datagrams, endpoint)
        background(WebServer(address).serve_forever)
    report("ready", hashlib.sha256(blob()).hexdigest())
    threading.Event().wait()


main(sys.argv[1:])
