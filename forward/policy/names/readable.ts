/**
 * What this program can read from the first bytes of a flow. A rule that asks for anything else is refused when it is read:
 * it must not be judged by less than it says.
 *
 * @module
 */
import type { ShownKind } from "./demand.ts";

/** The kinds that can be read. */
export const READABLE: ReadonlySet<ShownKind> = new Set<ShownKind>();
