#!/usr/bin/env python3
"""A server of files over HTTPS, as a registry of packages or a repository is one.

    files_server.py CERTIFICATE KEY FOLDER ADDRESS...

Prints "ready" when it listens on port 443 of the addresses, and "NAME METHOD PATH" for each request, with the name of the
ClientHello. Answers a POST with an empty JSON object.
"""

import functools
import http.server
import socket
import ssl
import sys
import threading


class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, *_):
        print(getattr(self.connection, "shown", None), self.command, self.path, flush=True)

    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address, handler, tls):
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        super().__init__((address, 443), handler)
        self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)


def main():
    certificate, key, folder, *addresses = sys.argv[1:]
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    tls.sni_callback = lambda connection, name, _: setattr(connection, "shown", name)
    handler = functools.partial(Handler, directory=folder)
    servers = [Server(address, handler, tls) for address in addresses]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


main()
