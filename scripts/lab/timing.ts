/**
 * Waiting, with types: the npm package behind `@std/async` has none.
 *
 * @module
 */
import { delay as untypedDelay } from "@std/async/delay";

/** Resolves after that many ms. */
export const delay: (ms: number, options?: { readonly signal?: AbortSignal }) => Promise<void> = untypedDelay;
