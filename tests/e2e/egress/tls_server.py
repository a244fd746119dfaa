#!/usr/bin/env python3
"""An HTTPS server on port 443 of each address that is given, which prints what reaches it.

    tls_server.py CERTIFICATE KEY ADDRESS...

Prints "ready" when it listens. For each connection: "nothing" if it ends or is reset without a byte, otherwise "first BYTE", then
"name NAME" of the ClientHello, and "request LINE". Answers with the name.
"""

import socket
import ssl
import sys
import threading


def report(*words):
    print(*words, flush=True)


def context(certificate, key):
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.load_cert_chain(certificate, key)
    made.set_alpn_protocols(["http/1.1"])
    made.sni_callback = lambda connection, name, _: setattr(connection, "shown", name)
    return made


def serve(connection, tls):
    try:
        first = connection.recv(1, socket.MSG_PEEK)
    except ConnectionResetError:
        first = b""
    if not first:
        report("nothing")
        return
    report("first", first[0])
    with tls.wrap_socket(connection, server_side=True) as secure:
        name = getattr(secure, "shown", None)
        report("name", name)
        head = b""
        while b"\r\n\r\n" not in head and (data := secure.recv(65536)):
            head += data
        report("request", head.split(b"\r\n")[0].decode())
        body = f"Hello, {name}\n".encode()
        secure.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def guarded(connection, tls):
    with connection:
        try:
            serve(connection, tls)
        except OSError as error:
            report("error", error)


def accept(listener, tls):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=guarded, args=(connection, tls), daemon=True).start()


def main():
    tls = context(*sys.argv[1:3])
    for address in sys.argv[3:]:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        listener = socket.create_server((address, 443), family=family)
        threading.Thread(target=accept, args=(listener, tls), daemon=True).start()
    report("ready")
    threading.Event().wait()


main()
