/**
 * The ports that sockets of a network namespace listen on, from the text of its /proc/net/tcp, tcp6, udp and udp6 (proc(5)).
 *
 *     sl  local_address rem_address   st ...
 *      0: 0100007F:1F90 00000000:0000 0A ...
 *
 * Addresses are 32-bit words in the machine's byte order.
 *
 * @module
 */
import { IpAddress } from "../../../stack/base/address.ts";
import { unmap } from "../../addresses/mapped.ts";

/** The state of a TCP socket that listens, and of a UDP socket that is bound and has no peer (net/tcp_states.h). */
const LISTENS = { tcp: "0A", udp: "07" } as const;

/** A socket's local end. */
export interface ListeningSocket {
  readonly address: IpAddress;
  readonly port: number;
}

/** The sockets of a text that listen. Of TCP's, those that listen come first. */
export function listeningSockets(text: string, network: "tcp" | "udp"): ListeningSocket[] {
  const sockets: ListeningSocket[] = [];
  for (
    const [, address, port, state] of text.matchAll(
      /^ *\d+: ([0-9A-F]+):([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} ([0-9A-F]{2}) /gm,
    )
  ) {
    if (state === LISTENS[network]) sockets.push({ address: addressOf(address), port: parseInt(port, 16) });
    else if (network === "tcp") break;
  }
  return sockets;
}

function addressOf(hex: string): IpAddress {
  const words = hex.match(/.{8}/g) ?? [];
  return unmap(
    IpAddress.of(words.flatMap((word) => (word.match(/../g) ?? []).map((byte) => parseInt(byte, 16)).reverse())),
  );
}
