/**
 * Domain names in the format of DNS messages and of options of DHCP and router advertisements (RFC 1035, section 3.1):
 * a length before each label, and a 0 at the end. They are not compressed, which RFC 8106 and RFC 8415 forbid.
 *
 * @module
 */

/** The longest label, and the longest name in this form (RFC 1035, section 2.3.4), in bytes. */
const MAX_LABEL = 63, MAX_NAME = 255;

/** The letters, digits, hyphens and underscores that resolvers accept in a search domain. */
const LABEL = /^[A-Za-z0-9_-]+$/;

/** The bytes of a name such as `example.net`, with or without a final dot; null if it is no name, or the root. */
export function encodeDomain(name: string): Uint8Array | null {
  const labels = name.replace(/\.$/, "").split(".");
  if (!labels.every((label) => LABEL.test(label) && label.length <= MAX_LABEL)) return null;
  const bytes = Uint8Array.from(
    labels.flatMap((label) => [label.length, ...new TextEncoder().encode(label)]).concat(0),
  );
  return bytes.length > MAX_NAME ? null : bytes;
}

/** The bytes of several names, one after the other. Names that don't fit `most` bytes are left out. */
export function encodeDomains(names: readonly string[], most: number): Uint8Array {
  const all: number[] = [];
  for (const name of names) {
    const bytes = encodeDomain(name);
    if (bytes === null) continue;
    if (all.length + bytes.length > most) break;
    all.push(...bytes);
  }
  return Uint8Array.from(all);
}
