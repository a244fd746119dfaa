/**
 * The assertions that the tests use, with types: the npm package behind `@std/assert` has none.
 *
 * @module
 */
// @ts-types="./assert_types.d.ts"
import { assertEquals } from "@std/assert";

// @ts-types="./assert_types.d.ts"
export {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";

/**
 * Throws an AssertionError unless each named field of `actual` deeply equals the one in `expected`, which may leave out
 * others. The message names the fields that differ.
 */
export function assertFields<T extends object, K extends keyof T>(
  actual: T,
  expected: Pick<T, K>,
  message?: string,
): void {
  const seen: Partial<Pick<T, K>> = {};
  for (const name in expected) seen[name] = actual[name];
  assertEquals<Partial<Pick<T, K>>>(seen, expected, message);
}
