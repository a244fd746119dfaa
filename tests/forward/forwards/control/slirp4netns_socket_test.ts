import { startSlirp4netnsApi } from "../../../../forward/forwards/control/start.ts";
import { StartFailed } from "../../../../forward/report/start_failed.ts";
import { DEFAULT_ADDRESSES } from "../../../../stack/link/addresses.ts";
import { until } from "../../../../scripts/lab/until.ts";
import { assertEquals, assertRejects } from "../../../assert.ts";
import { FakeForwards } from "../../bed/forward_table.ts";

class Bed implements AsyncDisposable {
  readonly cleanups: (() => void)[] = [];
  readonly forwards = new FakeForwards();

  private constructor(readonly directory: string) {}

  static async create(): Promise<Bed> {
    return new Bed(await Deno.makeTempDir({ prefix: "slirpnetstack-" }));
  }

  get path(): string {
    return `${this.directory}/api.sock`;
  }

  start(path = this.path): Promise<void> {
    const { table } = this.forwards;
    return startSlirp4netnsApi(path, {
      table,
      own: DEFAULT_ADDRESSES,
      acceptFailed: () => {},
      cleanups: this.cleanups,
    });
  }

  /** Sends the pieces, each in a write of its own, and returns the answer. */
  async ask(pieces: readonly string[], end: "half-close" | "no end" = "half-close"): Promise<string> {
    using conn = await Deno.connect({ transport: "unix", path: this.path });
    for (const piece of pieces) {
      await conn.write(new TextEncoder().encode(piece));
      await new Promise((resolve) => setTimeout(resolve, 1)); // each in a read of its own, as a rule
    }
    if (end === "half-close") await conn.closeWrite();
    let text = "";
    const buffer = new Uint8Array(65_536);
    for (let count; (count = await conn.read(buffer)) !== null;) {
      text += new TextDecoder().decode(buffer.subarray(0, count));
    }
    return text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const cleanup of this.cleanups) cleanup();
    await Deno.remove(this.directory, { recursive: true });
  }
}

const LIST = '{"execute":"list_hostfwd"}', NONE = '{"return":{"entries":[]},"entries":[]}';
const error = (reason: string) => `{"error":{"desc":"bad request: ${reason}"}}`;

Deno.test("slirp4netns socket: a request in pieces is answered once its object is complete, or at the end", async () => {
  await using bed = await Bed.create();
  await bed.start();
  assertEquals(await bed.ask([LIST]), NONE);
  assertEquals(await bed.ask([LIST], "no end"), NONE, "without an end");
  assertEquals(await bed.ask([`${LIST}\nand what follows`], "no end"), NONE, "with more behind it");
  assertEquals(await bed.ask(LIST.match(/.{1,5}/g)!, "no end"), NONE, "in pieces");
  assertEquals(await bed.ask(['{"execute":']), error("cannot parse JSON"), "half of one");
  assertEquals(await bed.ask([]), error("cannot parse JSON"), "nothing");
  assertEquals(await bed.ask(["1"]), error("json_object() failed"), "a number");
  assertEquals(await bed.ask(["[1]"], "no end"), error("json_object() failed"), "an array");
});

Deno.test("slirp4netns socket: a request of 4096 bytes is too large", async () => {
  await using bed = await Bed.create();
  await bed.start();
  const padded = (length: number) => `{"execute":"list_hostfwd","x":"${"x".repeat(length - 33)}"}`;
  assertEquals(padded(4096).length, 4096);
  assertEquals(await bed.ask([padded(4095)], "no end"), NONE);
  assertEquals(await bed.ask([padded(4096)], "no end"), error("too large message"));
  assertEquals(await bed.ask([padded(4000).slice(0, -2), "x".repeat(100_000)]), error("too large message"));
});

Deno.test("slirp4netns socket: it replaces what was there, has the umask's mode, and stays at the end", async () => {
  await using bed = await Bed.create();
  await Deno.writeTextFile(bed.path, "old");
  const before = Deno.umask(0o022);
  try {
    await bed.start();
  } finally {
    Deno.umask(before);
  }
  const { mode, isSocket } = await Deno.lstat(bed.path);
  assertEquals(isSocket, true, "it is a socket");
  assertEquals((mode ?? 0) & 0o777, 0o755, "mode");
  for (const cleanup of bed.cleanups) cleanup();
  const connect = () => Deno.connect({ transport: "unix", path: bed.path }).then((conn) => conn.close());
  await until("the end of the listener", 5_000, () => connect().then(() => false, () => true));
  assertEquals((await Deno.lstat(bed.path)).isSocket, true, "after the end");
});

Deno.test("slirp4netns socket: a path that can't be used ends the start with status 1", async () => {
  await using bed = await Bed.create();
  const fail = async (path: string) => {
    const { status, message } = await assertRejects(() => bed.start(path), StartFailed);
    assertEquals(status, 1, "status");
    return message;
  };
  const long = `${bed.directory}/${"x".repeat(107 - bed.directory.length)}`; // 108 bytes
  assertEquals(await fail(long), "[!] Failed to start the API: the path of the API socket is too long (>= 108)");
  assertEquals(
    await fail(`${bed.directory}/none/api`),
    "[!] Failed to start the API: no such file or directory",
  );
  await Deno.mkdir(bed.path);
  assertEquals(await fail(bed.path), "[!] Failed to start the API: address already in use", "a folder");
  await bed.start(long.slice(0, -1));
});
