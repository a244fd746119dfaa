/**
 * Parses the guest's IPv4 network: `10.0.2.0/24`.
 *
 * @module
 */
import { IpAddress } from "../../stack/base/address.ts";
import { MAX_GUEST_PREFIX } from "../addresses/guest_configuration.ts";
import { Prefix } from "../addresses/prefix.ts";

/** The result of {@linkcode readGuestPrefix}. */
export type GuestPrefixOutcome =
  | { readonly kind: "prefix"; readonly prefix: Prefix }
  /** The text is not `A.B.C.D/N`, or hosts can't have addresses of that network (RFC 6890). */
  | { readonly kind: "syntax" }
  /** The prefix is too short or too long. */
  | { readonly kind: "length" }
  /** The address has bits after the prefix. `prefix`: the network that it is in. */
  | { readonly kind: "hostBits"; readonly prefix: Prefix };

/** Reads a network that has room for the guest's addresses: the length of its prefix is 1 to {@linkcode MAX_GUEST_PREFIX}. */
export function readGuestPrefix(text: string): GuestPrefixOutcome {
  const match = /^([0-9.]+)\/([0-9]{1,2})$/.exec(text);
  const address = match === null ? null : IpAddress.tryParse(match[1]);
  if (match === null || address === null) return { kind: "syntax" };
  const length = Number(match[2]);
  if (length < 1 || length > MAX_GUEST_PREFIX) return { kind: "length" };
  const [first] = address.bytes;
  if (first === 0 || first === 127 || first >= 224) return { kind: "syntax" }; // this network, loopback, groups, reserved
  const prefix = Prefix.of(address, length);
  return prefix.first.equals(address) ? { kind: "prefix", prefix } : { kind: "hostBits", prefix };
}
