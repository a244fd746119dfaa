#!/usr/bin/env python3
"""Sends UDP datagrams, and reports the outcome of each, with everything in an ICMP error about it.

    udp_errors.py SOURCE_PORT ADDRESS PORT:SIZE...

prints a line of JSON: a list with {"answer": SIZE}, {"error": null} for what nothing is heard of, or

    {"error": "ECONNREFUSED", "type": 3, "code": 3, "info": 0, "from": "192.0.2.1", "port": 9, "size": SIZE}

for each of the datagrams, which are sent one after the other by one socket and may not be fragmented.
"""
import errno
import json
import select
import socket
import struct
import sys

PATIENCE = 5

# linux/in.h, linux/in6.h
IP_MTU_DISCOVER, IP_RECVERR, IPV6_MTU_DISCOVER, IPV6_RECVERR, PMTUDISC_DO = 10, 11, 23, 25, 2


def error_of(sender):
    """The oldest entry of the socket's error queue (ip(7), IP_RECVERR)."""
    data, controls, _, name = sender.recvmsg(65536, 512, socket.MSG_ERRQUEUE)
    for level, kind, control in controls:
        if (level, kind) not in ((socket.IPPROTO_IP, IP_RECVERR), (socket.IPPROTO_IPV6, IPV6_RECVERR)):
            continue
        number, origin, icmp, code, _, info, _ = struct.unpack("=IBBBBII", control[:16])
        offender = None
        if origin in (2, 3):  # SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6
            six = struct.unpack("=H", control[16:18])[0] == socket.AF_INET6
            address = control[24:40] if six else control[20:24]
            offender = socket.inet_ntop(socket.AF_INET6 if six else socket.AF_INET, address)
        return {
            "error": errno.errorcode[number], "type": icmp, "code": code, "info": info,
            "from": offender, "port": name[1] if name else None, "size": len(data),
        }
    return None


def send(sender, address, port, size):
    try:
        sender.sendto(b"x" * size, (address, port))
    except OSError:
        return error_of(sender)
    poll = select.poll()
    poll.register(sender, select.POLLIN)
    for _, events in poll.poll(PATIENCE * 1000):
        if events & select.POLLERR:
            return error_of(sender)
        return {"answer": len(sender.recv(65536))}
    return {"error": None}


def main(source, address, *datagrams):
    six = ":" in address
    sender = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
    if six:
        sender.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
        sender.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, PMTUDISC_DO)
    else:
        sender.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        sender.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_DO)
    sender.bind(("::" if six else "0.0.0.0", int(source)))
    pairs = [datagram.split(":") for datagram in datagrams]
    print(json.dumps([send(sender, address, int(port), int(size)) for port, size in pairs]))


main(*sys.argv[1:])
