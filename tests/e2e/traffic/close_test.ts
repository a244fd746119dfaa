/** Ends of connections: one direction at a time, or by reset, each seen as such on the other side. */
import { assertEquals } from "../../assert.ts";
import { BedKeeper, e2eEach } from "../bed/bed.ts";

e2eEach(new BedKeeper(), {
  "the guest sends FIN, then 5 MB arrive whole": async (bed, address) => {
    assertEquals(await bed.client("half-close", address), { bytes: 5_000_000, intact: true });
  },

  "the server sends FIN, then the guest's 5 MB arrive whole": async (bed, address) => {
    const name = crypto.randomUUID();
    assertEquals(await bed.client("fin-first", address, name), { sent: 5_000_000 });
    await bed.servers.process.line("stdout", new RegExp(`^fin-first ${name} 5000000 intact$`));
  },

  "the server's reset is a reset for the guest": async (bed, address) => {
    assertEquals(await bed.client("reset-by-server", address), { error: "ECONNRESET" });
  },

  "the guest's reset is a reset for the server": async (bed, address) => {
    const name = crypto.randomUUID();
    await bed.client("reset", address, name);
    const match = await bed.servers.process.line("stdout", new RegExp(`^watch ${name} (\\w+)$`));
    assertEquals(match[1], "reset");
  },
});
