#!/usr/bin/env python3
"""A kernel guest at the other end of a Unix socket, as a virtual machine monitor would hand one to the program.

    bridge.py dgram|seqpacket|stream HOST_NETNS COMMAND...

Attaches to the tap device tun0 of its own network namespace, starts the command in the network namespace of that path
with one end of a pair of such sockets (its descriptor instead of "{fd}"), and carries frames between the two: one
a message, or over a stream each behind its length in four bytes, big-endian (QEMU's -netdev dgram and stream).

Every frame of the command's is checked: lengths, and the checksums of IPv4, TCP, UDP and both ICMPs. SIGTERM ends the
command; then a line of JSON says {"frames": N, "bad": [what was wrong, ..], "arp": N, "icmp": N, "tcp": N, "udp": N}
and the status is the command's.
"""

import array
import fcntl
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys

TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
TYPES = {"dgram": socket.SOCK_DGRAM, "seqpacket": socket.SOCK_SEQPACKET, "stream": socket.SOCK_STREAM}
PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp"}
BATCH = 64


def checksum(*pieces):
    """The one's complement sum of RFC 1071 over all pieces; 0xffff if a checksum among them is right."""
    data = b"".join(pieces)
    if len(data) % 2:
        data += b"\0"
    total = sum(array.array("H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


class Report:
    def __init__(self):
        self.counts = {"frames": 0, "arp": 0, "icmp": 0, "tcp": 0, "udp": 0}
        self.bad = []

    def check(self, frame):
        self.counts["frames"] += 1
        kind = struct.unpack_from("!H", frame, 12)[0] if len(frame) >= 14 else None
        if kind == 0x0806:
            self.counts["arp"] += 1
            self.expect(len(frame) >= 42, frame, "a short ARP packet")
        elif kind == 0x0800:
            self.check4(frame, frame[14:])
        elif kind == 0x86DD:
            self.check6(frame, frame[14:])
        else:
            self.expect(False, frame, "an Ethernet type that nobody knows")

    def check4(self, frame, packet):
        header = (packet[0] & 15) * 4
        length, fragment = struct.unpack_from("!H2xH", packet, 2)
        self.expect(header >= 20 and checksum(packet[:header]) == 0xFFFF, frame, "IPv4 header checksum")
        self.expect(length == len(packet), frame, "IPv4 length")
        if fragment & 0x3FFF == 0:  # a fragment has only a part of the data that its checksum covers
            pseudo = packet[12:20] + struct.pack("!BBH", 0, packet[9], length - header)
            self.check_transport(frame, packet[9], pseudo, packet[header:], packet[9] == 1)

    def check6(self, frame, packet):
        length, protocol = struct.unpack_from("!HB", packet, 4)
        self.expect(length == len(packet) - 40, frame, "IPv6 length")
        if protocol in PROTOCOLS:
            pseudo = packet[8:40] + struct.pack("!II", length, protocol)
            self.check_transport(frame, protocol, pseudo, packet[40:], False)
        else:
            self.expect(protocol == 44, frame, "an IPv6 header that nobody knows")

    def check_transport(self, frame, protocol, pseudo, segment, alone):
        name = PROTOCOLS.get(protocol)
        self.expect(name is not None, frame, "a protocol that nobody knows")
        if name is None:
            return
        self.counts[name] += 1
        self.expect(checksum(b"" if alone else pseudo, segment) == 0xFFFF, frame, f"{name} checksum")
        if name == "udp":
            self.expect(struct.unpack_from("!H", segment, 4)[0] == len(segment), frame, "UDP length")

    def expect(self, right, frame, what):
        if not right and len(self.bad) < 10:
            self.bad.append(f"{what}: {frame[:80].hex()}")


class Messages:
    """One frame in each message."""

    def __init__(self, endpoint):
        self.endpoint = endpoint

    def receive(self):
        return [self.endpoint.recv(1 << 17)]

    def send(self, frame):
        self.endpoint.send(frame)


class Stream:
    """Each frame is preceded by its length."""

    def __init__(self, endpoint):
        self.endpoint, self.buffer = endpoint, b""

    def receive(self):
        data = self.endpoint.recv(1 << 18)
        if not data:
            return [b""]
        self.buffer += data
        frames, at = [], 0
        while len(self.buffer) - at >= 4:
            (length,) = struct.unpack_from("!I", self.buffer, at)
            if len(self.buffer) - at - 4 < length:
                break
            frames.append(self.buffer[at + 4 : at + 4 + length])
            at += 4 + length
        self.buffer = self.buffer[at:]
        return frames

    def send(self, frame):
        self.endpoint.sendall(struct.pack("!I", len(frame)) + frame)


def open_tap():
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", b"tun0", IFF_TAP | IFF_NO_PI))
    return tap


def carry(tap, link, endpoint, report, stopped):
    """Runs until the command has closed its end, or a signal came."""
    poller = select.poll()
    for fd in (tap, endpoint.fileno(), stopped):
        poller.register(fd, select.POLLIN)
    while True:
        ready = {fd for fd, _ in poller.poll()}
        if stopped in ready:
            return
        if endpoint.fileno() in ready:
            for frame in link.receive():
                if not frame:
                    return
                report.check(frame)
                os.write(tap, frame)
        if tap in ready:
            for _ in range(BATCH):
                try:
                    link.send(os.read(tap, 1 << 17))
                except BlockingIOError:
                    break


def main(kind, host, command):
    ours, theirs = socket.socketpair(socket.AF_UNIX, TYPES[kind])
    tap = open_tap()
    words = [word.replace("{fd}", str(theirs.fileno())) for word in command]
    read_end, write_end = os.pipe()
    signal.signal(signal.SIGTERM, lambda *_: os.write(write_end, b"x"))
    child = subprocess.Popen(["nsenter", f"--net={host}", "--", *words], pass_fds=[theirs.fileno()])
    theirs.close()
    report = Report()
    try:
        carry(tap, (Stream if kind == "stream" else Messages)(ours), ours, report, read_end)
    finally:
        child.terminate()
        status = child.wait(5)
    print(json.dumps({**report.counts, "bad": report.bad}), flush=True)
    sys.exit(status)


main(sys.argv[1], sys.argv[2], sys.argv[3:])
