/**
 * Records with typed keys.
 *
 * @module
 */

/** A record with the same keys, whose values are made from those of another. */
export function mapRecord<Key extends string, From, To>(
  record: Readonly<Record<Key, From>>,
  make: (value: From, key: Key) => To,
): Record<Key, To> {
  const entries = Object.entries<From>(record).map(([key, value]) => [key, make(value, key as Key)]);
  return Object.fromEntries(entries) as Record<Key, To>; // Object.entries and Object.fromEntries forget the keys' type
}
