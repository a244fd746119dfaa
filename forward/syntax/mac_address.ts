/**
 * Reading a hardware address.
 *
 * @module
 */
import { InvalidValue } from "./invalid_value.ts";

/** The bit of the first byte that makes an address one of a group (IEEE 802, I/G). */
const GROUP = 1;

/** Reads six bytes in hexadecimal, between colons. Throws an {@linkcode InvalidValue}. */
export function parseMacAddress(text: string): Uint8Array {
  if (!/^[0-9a-f]{1,2}(:[0-9a-f]{1,2}){5}$/i.test(text)) {
    throw new InvalidValue("not a MAC address, such as 52:54:00:12:34:56");
  }
  const address = Uint8Array.from(text.split(":"), (byte) => parseInt(byte, 16));
  if ((address[0] & GROUP) !== 0) throw new InvalidValue("the address of a group of devices");
  if (address.every((byte) => byte === 0)) throw new InvalidValue("no device has this address");
  return address;
}
