/**
 * Bytes, with types: the npm package behind `@std/bytes` has none.
 *
 * @module
 */
import { concat as untypedConcat, equals as untypedEquals } from "@std/bytes";

/** Pieces one after the other. */
export const concat: (pieces: readonly Uint8Array[]) => Uint8Array<ArrayBuffer> = untypedConcat;

/** Whether two pieces have the same bytes. */
export const equals: (a: Uint8Array, b: Uint8Array) => boolean = untypedEquals;
