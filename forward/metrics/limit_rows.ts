/**
 * The limits as rows of metrics, named as their flags are: `-max-half-open` is the resource `half_open`.
 *
 * @module
 */
import { limitCounts, LIMITS } from "../limits/limits.ts";
import { mapRecord } from "../syntax/records.ts";
import type { LimitUsage } from "../limits/limits.ts";
import type { LimitFigures } from "./source.ts";

/** Returns a row for each count, with its usage. */
export function limitRows(usage: LimitUsage): readonly LimitFigures[] {
  const rows = mapRecord(
    LIMITS,
    (_, name) => limitCounts(name).map(([count, resource]) => ({ resource, ...usage[count] })),
  );
  return Object.values(rows).flat();
}
