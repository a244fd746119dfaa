/**
 * Reads EDNS (RFC 6891): the OPT record in a client's message. It may be anywhere among the additional records.
 *
 * This module and its library are loaded for the first question of a guest.
 *
 * @module
 */
import { Buffer } from "node:buffer";
// @ts-types="@types/dns-packet"
import dnsPacket from "dns-packet";
import { PLAIN_UDP_SIZE } from "./message.ts";

/** The longest message that is searched for an OPT record: the size recommended for UDP (RFC 6891, section 6.2.5). */
const MAX_PARSED = 4_096;

/**
 * The longest answer over UDP that the client announces (RFC 6891, section 6.2.3); null: it announces none. A message
 * much longer than a question is not searched, so that it costs a hostile guest more than this program.
 */
export function udpSize(bytes: Uint8Array): number | null {
  if (bytes.length > MAX_PARSED) return null;
  try {
    const { additionals } = dnsPacket.decode(Buffer.from(bytes));
    for (const record of additionals ?? []) {
      if (record.type === "OPT") return Math.max(record.udpPayloadSize, PLAIN_UDP_SIZE);
    }
  } catch {
    // not a legal message: it says nothing of a size
  }
  return null;
}
