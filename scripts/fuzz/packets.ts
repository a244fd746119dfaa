/**
 * The packets that mutants are made of, beyond those of every stack: packets to the program's own name server, to ports
 * bound in the guest's network, and to addresses on which policies differ.
 *
 * @module
 */
import { checksummed, GUEST6, hex, ipv4, ipv6, REMOTE6, udp } from "../lab/packets.ts";
import { PACKETS } from "./frames.ts";

const GUEST4 = "0a000264";

function syn(destination: string, port: string, source = "c001"): Uint8Array {
  const text = `${source} ${port} 00000001 00000000 a002 faf0 0000 0000 020405b4 0402 080a 00000001 00000000 01 030307`;
  return checksummed(hex(text), 16, 6, destination.length === 8 ? GUEST4 : GUEST6, destination);
}

function to(destination: string): number[] {
  return [...hex(destination)];
}

/** A question for the address of example.com. */
const QUESTION = hex("1234 0100 0001 0000 0000 0000 07 6578616d706c65 03 636f6d 00 0001 0001");

/** An echo request without payload and with a correct ICMP checksum (RFC 792). */
function echo(identifier: number, sequence: number): Uint8Array {
  const sum = 0xffff - 0x0800 - identifier - sequence;
  return Uint8Array.of(8, 0, sum >> 8, sum & 255, 0, identifier, 0, sequence);
}

/** IP packets that the fuzzer starts from. */
export const SEEDS: readonly Uint8Array[] = [
  ...PACKETS,
  // the program's name server, by UDP and TCP
  ipv4({ protocol: 17, destination: [10, 0, 2, 3] }, udp(5353, 53, QUESTION)),
  ipv4({ protocol: 6, destination: [10, 0, 2, 3] }, syn("0a000203", "0035")),
  // remote forwards
  ipv4({ protocol: 6, destination: [10, 0, 2, 2] }, syn("0a000202", "0050")),
  ipv4({ protocol: 17, destination: [10, 0, 2, 2] }, udp(5000, 90, [1, 2, 3])),
  // addresses that policies name
  ...["c6336406", "c6336487", "7f000001", "0a000209", "a9fea9fe", "c0a80101"].flatMap((address, index) => [
    ipv4({ protocol: 6, destination: to(address) }, syn(address, "0050", `c10${index}`)),
    ipv4({ protocol: 17, destination: to(address) }, udp(6000 + index, 53, [1, 2, 3])),
  ]),
  ...[REMOTE6, "00000000000000000000ffff7f000001", "00000000000000000000ffffc6336407"].map((address, index) =>
    ipv6(6, syn(address, "0050", `c20${index}`), GUEST6, address)
  ),
  // pings with several identifiers, to allowed and forbidden addresses
  ...[1, 2, 3, 4].flatMap((identifier) => [
    ipv4({ protocol: 1 }, echo(identifier, 7)),
    ipv6(58, checksummed(hex(`8000 0000 000${identifier} 0007`), 2, 58, GUEST6, REMOTE6)),
  ]),
  ipv4({ protocol: 1, destination: to("7f000001") }, echo(1, 1)),
  ipv4({ protocol: 1, destination: to("c6336487") }, echo(1, 1)),
  // the guest's answers to local forwards
  ipv4({ protocol: 17, destination: [203, 0, 113, 1] }, udp(9000, 49_152, [1, 2, 3])),
];
