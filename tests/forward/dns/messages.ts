/**
 * DNS messages for tests, written and read by a library.
 *
 * @module
 */
import { Buffer } from "node:buffer";
// @ts-types="@types/dns-packet"
import dnsPacket from "dns-packet";

/** A client's question. `size`: what an OPT record says, null: none. */
export function question(id: number, name: string, size: number | null = null): Uint8Array {
  return Uint8Array.from(dnsPacket.encode({
    type: "query",
    id,
    flags: dnsPacket.RECURSION_DESIRED,
    questions: [{ type: "A", name }],
    ...(size === null ? {} : { additionals: [opt(size)] }),
  }));
}

/** A server's answer to a message: an address, or only that code. */
export function answerTo(message: Uint8Array, rcode = 0, address = "192.0.2.80"): Uint8Array {
  const { id, questions } = dnsPacket.decode(Buffer.from(message));
  const { name } = questions![0];
  const answers = rcode === 0 ? [{ type: "A" as const, name, ttl: 60, data: address }] : [];
  const flags = rcode | dnsPacket.RECURSION_DESIRED | dnsPacket.RECURSION_AVAILABLE;
  return Uint8Array.from(dnsPacket.encode({ type: "response", id: id!, flags, questions: questions!, answers }));
}

/** What a message says: `ID CODE NAME ADDRESS...`, with TC and OPT where they are set. */
export function told(message: Uint8Array): string {
  const { id, flags, questions, answers, additionals } = dnsPacket.decode(Buffer.from(message));
  return [
    id,
    CODES[flags! & 15],
    ...(flags! & dnsPacket.TRUNCATED_RESPONSE ? ["TC"] : []),
    ...questions!.map(({ name }) => name),
    ...answers!.map((answer) => "data" in answer ? answer.data : ""),
    ...additionals!.map(({ type }) => type),
  ].join(" ");
}

const CODES = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];

function opt(udpPayloadSize: number) {
  return {
    type: "OPT" as const,
    name: "." as const,
    udpPayloadSize,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  };
}
