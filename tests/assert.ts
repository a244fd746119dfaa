/**
 * The assertions that the tests use, with types: the npm package behind `@std/assert` has none.
 *
 * @module
 */
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
