/**
 * Datagrams of a guest, as the stack hands them up, and what is sent to it.
 *
 * @module
 */
import type { GuestDatagram, GuestSender } from "../../../forward/udp/associations.ts";
import { formatEndpoint } from "../../../stack/base/address.ts";
import type { Unreachable } from "../../../stack/base/layers.ts";
import { endpoint } from "./fakes.ts";

/** A datagram; `unreachable` is told to `errors`. */
export function guestDatagram(
  from: string,
  to: string,
  text: string | Uint8Array,
  errors: (Unreachable | "time exceeded")[] = [],
  { hopLimit = 64, dontFragment = false }: Partial<Pick<GuestDatagram, "hopLimit" | "dontFragment">> = {},
): GuestDatagram {
  const source = endpoint(from), destination = endpoint(to);
  const size = source.address.bytes.length;
  const payload = typeof text === "string" ? new TextEncoder().encode(text) : text;
  return {
    bytes: Uint8Array.from([...source.address.bytes, ...destination.address.bytes, ...payload]),
    version: source.address.version,
    guestAddress: 0,
    localAddress: size,
    guestPort: source.port,
    localPort: destination.port,
    payload: 2 * size,
    length: payload.length,
    hopLimit,
    dontFragment,
    unreachable: (what) => errors.push(what),
    timeExceeded: () => errors.push("time exceeded"),
  };
}

/** Collects what is sent to the guest as `FROM > TO TEXT`. */
export function guestSender(sent: string[]): GuestSender {
  return {
    sendBytes: (source, destination, bytes, offset, length) => {
      const text = new TextDecoder().decode(bytes.subarray(offset, offset + length));
      sent.push(`${formatEndpoint(source)} > ${formatEndpoint(destination)} ${text}`);
      return true;
    },
  };
}
