/** Every kind of traffic, on every kind of device, with both IP versions. */
import { GATEWAY } from "../../../scripts/lab/device.ts";
import { iperf } from "../../../scripts/lab/iperf.ts";
import { NOWHERE } from "../../../scripts/lab/lab.ts";
import { url } from "../../../scripts/lab/services.ts";
import { assert, assertEquals, assertMatch } from "../../assert.ts";
import { BedKeeper, e2eEach } from "../bed/bed.ts";

const MEGABYTES_200 = 200 * 1024 * 1024;

e2eEach(new BedKeeper(), {
  "curl fetches 30 MB and posts them, intact": async (bed, address) => {
    const file = `${bed.lab.directory}/blob`;
    const get = await bed.curl(url(address, "/blob"), "--output", file);
    assertEquals(get.code, 0, get.stderr);
    assertEquals(await sha256(await Deno.readFile(file)), bed.servers.blobHash);
    const post = await bed.curl(url(address), "--data-binary", `@${file}`);
    assertEquals(post.code, 0, post.stderr);
    assertEquals(post.stdout, bed.servers.blobHash);
  },

  "UDP of 1, 1400, 16,385 and 65,507 bytes echoes": async (bed, address) => {
    const sizes = [1, 1400, 16_385, 65_507];
    assertEquals(await bed.client("udp", address, 7, ...sizes), sizes.map((size) => ({ size, error: null })));
  },

  "ping answers": async (bed, address, version) => {
    for (const target of [address, GATEWAY[version]]) {
      // with a deadline (-w), it goes on until it has all answers; otherwise it waits for the last no longer than the
      // interval
      const small = await bed.guest.run(["ping", "-n", "-c", "3", "-i", "0.01", "-w", "5", target]);
      assertMatch(small.stdout, /(?<sent>[3-9]) packets transmitted, \k<sent> received/);
    }
    const fragmented = await bed.guest.run(["ping", "-n", "-c", "1", "-W", "2", "-s", "20000", address]);
    assertMatch(fragmented.stdout, / 1 received, 0% packet loss/);
  },

  "a closed port is refused within 0.2 s": async (bed, address) => {
    const { error, seconds } = attempt(await bed.client("connect", address, 1));
    assertEquals(error, "ECONNREFUSED");
    assert(seconds < 0.2, `it took ${seconds} s`);
  },

  'an address that can\'t be reached gives "no route", not a timeout': async (bed, _, version) => {
    const { error, seconds } = attempt(await bed.client("connect", NOWHERE[version], 80));
    assert(error === "ENETUNREACH" || error === "EHOSTUNREACH", `connect says ${error}`);
    // The world's answer to the first SYN may find the socket still held by connect(2). Then the host's kernel heeds
    // only the answer to the second SYN, a second later, for the host's own programs too.
    assert(seconds < 2, `it took ${seconds} s`);
  },

  "iperf3 sends 200 MB": async (bed, address) => {
    assert((await iperf(bed.guest, address, ["-n", "200M"])).sent >= MEGABYTES_200);
  },

  "iperf3 receives 200 MB": async (bed, address) => {
    assert((await iperf(bed.guest, address, ["-n", "200M", "-R"])).sent >= MEGABYTES_200);
  },
});

function attempt(report: unknown): { error: unknown; seconds: number } {
  assert(typeof report === "object" && report !== null && "error" in report && "seconds" in report);
  return { error: report.error, seconds: Number(report.seconds) };
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
