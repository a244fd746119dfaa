/**
 * The types of DNS records that a `dns://` rule may open, besides A and AAAA.
 *
 * HTTPS and SVCB are left out: their records hold addresses, and the keys of encrypted ClientHellos, with which a flow
 * could go to another name than it shows. Types whose answer is a whole zone, or about the message itself, are left out
 * too.
 *
 * @module
 */

/** The IANA numbers of the types, by name. */
export const RECORD_TYPES: Readonly<Record<string, number>> = {
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  SRV: 33,
  NAPTR: 35,
  DS: 43,
  SSHFP: 44,
  TLSA: 52,
  CAA: 257,
};

/** The types of addresses (RFC 1035, section 3.2.2; RFC 3596). */
export const TYPE_A = 1, TYPE_AAAA = 28;

/** The names of types, by number: all of those above, and HTTPS and SVCB (RFC 9460). */
export const TYPE_NAMES: ReadonlyMap<number, string> = new Map([
  ...Object.entries(RECORD_TYPES).map(([name, type]) => [type, name] as const),
  ...[[TYPE_A, "A"], [TYPE_AAAA, "AAAA"], [64, "SVCB"], [65, "HTTPS"], [255, "ANY"]] as const,
]);
