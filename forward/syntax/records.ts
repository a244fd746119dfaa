/**
 * A function for records with typed keys.
 *
 * @module
 */

/** Makes a record with the same keys from another; `make` makes each value. */
export function mapRecord<Key extends string, From, To>(
  record: Readonly<Record<Key, From>>,
  make: (value: From, key: Key) => To,
): Record<Key, To> {
  const entries = Object.entries<From>(record).map(([key, value]) => [key, make(value, key as Key)]);
  return Object.fromEntries(entries) as Record<Key, To>; // Object.entries and Object.fromEntries forget the keys' type
}
