/** Many connections, at once and in turn, and that nothing of them stays behind. */
import { openDescriptors } from "../../scripts/lab/usage.ts";
import { until } from "../../scripts/lab/until.ts";
import { assertEquals } from "../assert.ts";
import { type Bed, BedKeeper, e2eEach } from "./bed.ts";

e2eEach(new BedKeeper(), {
  "200 connections at once echo, and leave nothing": (bed, address) =>
    echoAndLeaveNothing(bed, address, 200, "at-once"),
  "1,000 connections in turn echo, and leave nothing": (bed, address) =>
    echoAndLeaveNothing(bed, address, 1000, "in-turn"),
});

async function echoAndLeaveNothing(bed: Bed, address: string, count: number, manner: string): Promise<void> {
  const { program } = bed;
  assertEquals(await bed.client("echo", address, 1, "in-turn"), { echoed: 1, errors: [] }); // what is opened once stays
  await until("the first connection's end", 5_000, () => bed.routed("done").length === bed.routed("new").length);
  const [descriptors, earlier] = [openDescriptors(program.pid), bed.routed("new").length];

  assertEquals(await bed.client("echo", address, count, manner), { echoed: count, errors: [] });

  await until("a line for each new connection", 5_000, () => bed.routed("new").length === earlier + count);
  await until("as many lines for their ends", 5_000, () => bed.routed("done").length === earlier + count);
  await until("their descriptors to be closed", 5_000, () => openDescriptors(program.pid) <= descriptors);
  assertEquals(bed.routed("error"), []);
}
