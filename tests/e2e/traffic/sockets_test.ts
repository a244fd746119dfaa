/** Connections through either kind of the host's sockets: -sockets. */
import { iperf } from "../../../scripts/lab/iperf.ts";
import { WORLD } from "../../../scripts/lab/lab.ts";
import { until } from "../../../scripts/lab/until.ts";
import { FLAGS } from "../../../forward/cli/flags/flag_table.ts";
import { assert, assertEquals } from "../../assert.ts";
import { Bed, e2e, VERSIONS } from "../bed/bed.ts";

const BYTES = 50_000_000;

for (const sockets of FLAGS.sockets.choices) {
  e2e(`-sockets ${sockets}: many connections echo, bulk passes both ways, a closed port is refused`, async () => {
    await using bed = await Bed.create({ mode: "tap", mtu: 1500 }, ["-sockets", sockets]);
    for (const version of VERSIONS) {
      const address = WORLD[version];
      assertEquals(await bed.client("echo", address, 100, "at-once"), { echoed: 100, errors: [] });
      for (const direction of [[], ["-R"]]) {
        const report = await iperf(bed.guest, address, ["-n", String(BYTES), ...direction]);
        // what is still on its way when the sender is done is not counted
        assert(report.sent >= BYTES && report.received > BYTES / 2, `${report.received} of ${report.sent}`);
      }
      const host = version === "v4" ? address : `[${address}]`;
      assertEquals((await bed.curl(`http://${host}:1/`)).code, 7); // CURLE_COULDNT_CONNECT
    }
    await until("the end of all connections", 5_000, () => bed.routed("done").length === bed.routed("new").length);
    await until("the lines of the refused ones", 5_000, () => bed.routed("error").length >= VERSIONS.length);
    assertEquals(bed.routed("error").length, VERSIONS.length);
  });
}
