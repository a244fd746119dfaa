/**
 * Rows for reports in tests.
 *
 * @module
 */
import type { Row } from "../../../scripts/bench/report/report.ts";

/** A row in which more is better, at MTU 1500, except for the given fields. */
export function row(fields: Partial<Row>): Row {
  return {
    id: "bulk",
    name: "bulk",
    unit: "Gbit/s",
    better: "more",
    mtu: 1500,
    samples: {},
    failures: {},
    ...fields,
  };
}
