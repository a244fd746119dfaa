/** The parameters of any constructor, as `instanceof` takes them. */
type ErrorClass<E> = abstract new (...parameters: never[]) => E;

/** Throws an AssertionError unless `condition` is truthy. */
export function assert(condition: unknown, message?: string): asserts condition;
/** Throws an AssertionError unless both are deeply equal. */
export function assertEquals<T>(actual: T, expected: T, message?: string): void;
/** Throws an AssertionError if both are deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, message?: string): void;
/** Throws an AssertionError unless the pattern is found in `actual`. */
export function assertMatch(actual: string, expected: RegExp, message?: string): void;
/** Throws an AssertionError unless `actual` contains `expected`. */
export function assertStringIncludes(actual: string, expected: string, message?: string): void;
/** Throws an AssertionError unless `run` throws an error of that class whose message contains `includes`. Returns it. */
export function assertThrows<E extends Error = Error>(
  run: () => unknown,
  type?: ErrorClass<E>,
  includes?: string,
  message?: string,
): E;
/** Like `assertThrows`, for a promise that must reject. */
export function assertRejects<E extends Error = Error>(
  run: () => PromiseLike<unknown>,
  type?: ErrorClass<E>,
  includes?: string,
  message?: string,
): Promise<E>;
