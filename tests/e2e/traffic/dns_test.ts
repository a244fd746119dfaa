/** The guest's name server, asked by real clients, in front of a name server of the host's. */
import type { Namespace } from "../../../scripts/lab/namespace.ts";
import type { Process } from "../../../scripts/lab/process.ts";
import { makeDevice } from "../../../scripts/lab/device.ts";
import { Lab, WORLD } from "../../../scripts/lab/lab.ts";
import { startProgram } from "../../../scripts/lab/program.ts";
import { FLAGS } from "../../../forward/cli/flags/flag_table.ts";
import { startResolver, startServers } from "../../../scripts/lab/services.ts";
import { until } from "../../../scripts/lab/until.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../../assert.ts";
import { e2e } from "../bed/bed.ts";

const NAMES = { "world.test": WORLD.v4, "world6.test": WORLD.v6 };
const SERVER4 = "10.0.2.3", SERVER6 = "fd00::3";

/** A name that is looked up to make the program check its servers. */
const PROBE = "probe.test";

/** A lab whose host has name servers on its loopback and elsewhere, and whose guest uses the program as one. */
class DnsBed implements AsyncDisposable {
  private constructor(
    readonly lab: Lab,
    readonly guest: Namespace,
    readonly program: Process,
    readonly resolver: Process,
  ) {}

  static async create(...flags: readonly string[]): Promise<DnsBed> {
    const lab = await Lab.create();
    try {
      const conf = `${lab.directory}/host.conf`, guestConf = `${lab.directory}/guest.conf`;
      await Deno.writeTextFile(conf, "nameserver 127.0.0.53\n");
      await Deno.writeTextFile(guestConf, `nameserver ${SERVER4}\nnameserver ${SERVER6}\n`);
      const [guest] = await Promise.all([lab.guest(), startServers(lab)]);
      await makeDevice(guest, { mode: "tap", mtu: 1500 });
      const resolver = await startResolver(lab, lab.host, ["127.0.0.53", "::1"], NAMES);
      const program = await startProgram(lab.host.withResolvConf(conf), guest, ["-dns", ...flags]);
      return new DnsBed(lab, guest.withResolvConf(guestConf), lab.adopt(program), resolver);
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Writes the host's resolv.conf, and looks up a name until the program has read it. */
  async configure(text: string): Promise<void> {
    const conf = `${this.lab.directory}/host.conf`;
    await Deno.writeTextFile(conf, text);
    await until("the program to read resolv.conf", 10_000, async () => {
      await this.guest.run(["dig", `@${SERVER4}`, "+tries=1", "+timeout=1", PROBE]);
      const { atime, mtime } = await Deno.stat(conf); // relatime, too, keeps the first time of reading after a change
      return atime! > mtime!;
    });
  }

  /** Runs dig and returns its output. Throws without an answer. */
  dig(...words: readonly string[]): Promise<string> {
    return this.guest.check(["dig", "+tries=1", "+timeout=15", ...words]);
  }

  /** The questions to the resolver from that line on, without those of {@linkcode configure}. */
  asked(from = 0): string[] {
    return this.resolver.stdout.slice(from).filter((line) => line.startsWith("asked") && !line.includes(PROBE));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab[Symbol.asyncDispose]();
  }
}

for (const sockets of FLAGS.sockets.choices) {
  e2e(`DNS, -sockets ${sockets}: names by dig, getent and curl, over both versions of IP, UDP and TCP`, async () => {
    await using bed = await DnsBed.create("-sockets", sockets);
    for (const server of [SERVER4, SERVER6]) {
      for (const network of ["+notcp", "+tcp"]) {
        const at = [`@${server}`, network, "+short"];
        assertEquals(await bed.dig(...at, "world.test"), `${WORLD.v4}\n`);
        assertEquals(await bed.dig(...at, "world6.test", "AAAA"), `${WORLD.v6}\n`);
        assertStringIncludes(await bed.dig(`@${server}`, network, "nobody.test"), "status: NXDOMAIN");
      }
    }
    assertMatch(await bed.guest.check(["getent", "ahostsv4", "world.test"]), /^203\.0\.113\.1 /);
    assertStringIncludes(await bed.guest.check(["curl", "-sS", "--max-time", "10", "http://world.test/"]), "Hello, ");
    assertStringIncludes(await bed.guest.check(["curl", "-sS", "--max-time", "10", "http://world6.test/"]), "Hello, ");
    assertEquals(bed.program.stderr.filter((line) => line.startsWith("[!]")), []);
  });
}

e2e("DNS: long answers are truncated over UDP to the client's limit, and whole over TCP", async () => {
  await using bed = await DnsBed.create();
  const at = `@${SERVER4}`;
  const long = await bed.dig(at, "+notcp", "+bufsize=4096", "txt-3000.test", "TXT");
  assert(long.length > 3000 && !/flags:[^;]* tc/.test(long), long);
  const cut = await bed.dig(at, "+notcp", "+ignore", "+bufsize=1232", "txt-3000.test", "TXT");
  assertMatch(cut, /flags:[^;]* tc/);
  const from = bed.resolver.stdout.length;
  const again = await bed.dig(at, "+bufsize=1232", "txt-60000.test", "TXT");
  assert(again.length > 60_000, "cut off, and asked again over TCP");
  assertEquals(bed.asked(from), ["asked udp txt-60000.test 16", "asked tcp txt-60000.test 16"]);
});

e2e("DNS: the host's servers change, are down, or silent", async () => {
  await using bed = await DnsBed.create();
  const at = [`@${SERVER4}`, "+short"];
  await bed.configure("nameserver ::1\n");
  assertEquals(await bed.dig(...at, "world.test"), `${WORLD.v4}\n`);

  await bed.configure(`nameserver 127.0.0.99\n`);
  const down = await bed.guest.run(["dig", `@${SERVER4}`, "+tries=1", "+timeout=10", "world.test"]);
  assertStringIncludes(down.stdout, "status: SERVFAIL");
  assert(down.milliseconds < 4_000, `all servers refuse, said after ${down.milliseconds} ms`);

  await bed.configure(`nameserver 127.0.0.99\nnameserver 127.0.0.53\n`);
  for (const network of ["+notcp", "+tcp"]) {
    assertEquals(await bed.dig(...at, network, "world.test"), `${WORLD.v4}\n`);
  }

  await bed.configure("nameserver 127.0.0.53\noptions timeout:1 attempts:2\n");
  const from = bed.resolver.stdout.length;
  const silent = await bed.dig(`@${SERVER4}`, "silent.test");
  assertStringIncludes(silent, "status: SERVFAIL");
  assertEquals(bed.asked(from).length, 2);
  assertStringIncludes(await bed.dig(`@${SERVER4}`, "rcode-5.test"), "status: REFUSED");
});

e2e("DNS: a link-local server, and a connection of many questions", async () => {
  await using bed = await DnsBed.create();
  const { lab } = bed;
  const link = await lab.world.check(["ip", "-6", "-oneline", "address", "show", "dev", "eth0", "scope", "link"]);
  const address = /inet6 (fe80::\S+)\//.exec(link)![1];
  await startResolver(lab, lab.world, [`${address}%eth0`], NAMES);
  await bed.configure(`nameserver ${address}%eth0\n`);
  for (const network of ["+notcp", "+tcp"]) {
    assertEquals(await bed.dig(`@${SERVER6}`, network, "+short", "world.test"), `${WORLD.v4}\n`);
  }
  assertEquals(bed.asked(), []);

  const many = Array.from({ length: 40 }, (_, i) => ["+tcp", "+keepopen", `slow-${i}.test`]).flat();
  const answers = await bed.dig(`@${SERVER4}`, "+short", ...many);
  assertEquals(answers, "192.0.2.77\n".repeat(40));
});
