/** `-pcap`: tcpdump reads a capture of real traffic. */
import { GATEWAY, GUEST } from "../../../scripts/lab/device.ts";
import { WORLD } from "../../../scripts/lab/lab.ts";
import { run } from "../../../scripts/lab/process.ts";
import { url } from "../../../scripts/lab/services.ts";
import { assert, assertEquals, assertMatch } from "../../assert.ts";
import { Bed, e2e, kindName, VERSIONS } from "../bed/bed.ts";

/** Words with which tcpdump marks a malformed packet. */
const COMPLAINTS = /\b(incorrect|bad|invalid|malformed|truncated|wrong|missing)\b|\[\|/i;

for (const kind of [{ mode: "tap", mtu: 1500 }, { mode: "tun", mtu: 1500 }] as const) {
  e2e(
    `${kindName(kind)}: -pcap of TCP, UDP, fragments, pings and IPv6 is one that tcpdump has no complaints about`,
    async () => {
      await using bed = await Bed.create(kind);
      const path = `${bed.lab.directory}/capture.pcap`;
      await bed.restart(["-offload", "-pcap", path]);
      for (const version of VERSIONS) {
        await bed.guest.check(["ping", "-c", "1", "-W", "5", GATEWAY[version]]);
        assertEquals((await bed.curl("-o", `${bed.lab.directory}/blob`, url(WORLD[version], "/blob"))).code, 0);
        assertEquals((await bed.curl(url(WORLD[version], "/", 9))).code, 7);
        const sizes = [1, 1400, 16_385];
        assertEquals(
          await bed.client("udp", WORLD[version], 7, ...sizes),
          sizes.map((size) => ({ size, error: null })),
        );
      }
      await bed.program.stop();

      const bytes = await Deno.readFile(path);
      const header = new DataView(bytes.buffer);
      const magic = header.getUint32(0); // big-endian, microseconds; version 2.4; LINKTYPE_RAW
      assertEquals(magic, 0xa1b2c3d4, "magic");
      assertEquals(`${header.getUint16(4)}.${header.getUint16(6)}`, "2.4", "version");
      assertEquals(header.getUint32(20), 101, "LINKTYPE_RAW");
      const { code, stdout, stderr } = await run(["tcpdump", "-nvvr", path], { timeout: 60_000 });
      assertEquals(code, 0, `exit status: ${stderr}`);
      assertEquals(stderr.trim().split("\n").slice(1), [], `stderr: ${stderr}`);
      assertMatch(stderr, /link-type RAW \(Raw IP\)/);
      assertEquals(stdout.split("\n").filter((line) => COMPLAINTS.test(line)).slice(0, 5), []);

      const packets = stdout.replaceAll(/\n\s+/g, " ").split("\n");
      const has = (...parts: string[]) =>
        assert(
          packets.some((line) => parts.every((part) => line.includes(part))),
          `no packet with ${parts.join(", ")}`,
        );
      for (const version of VERSIONS) {
        has(`${GUEST[version]} > ${GATEWAY[version]}`, "echo request");
        has(`${GATEWAY[version]} > ${GUEST[version]}`, "echo reply");
        has(`${WORLD[version]}.7 > ${GUEST[version]}.`, "length 1400");
        has(`${GUEST[version]}.`, `> ${WORLD[version]}.80: Flags [S]`);
        has(`${WORLD[version]}.9 > ${GUEST[version]}.`, "Flags [R.]");
      }
      has(`${GUEST.v4} > ${WORLD.v4}`, "offset 1480");
      has(`${WORLD.v4} > ${GUEST.v4}`, "offset 1480");
      has(`${WORLD.v6} > ${GUEST.v6}`, "frag (");
      const large = packets.filter((line) => /\.80 > .* length \d{5}\b/.test(line));
      assert(large.length > 0, "no segment larger than the MTU, as it crossed the device");
    },
  );

  e2e(`${kindName(kind)}: the packets of a ping are in the capture when the ping has its answer`, async () => {
    await using bed = await Bed.create(kind);
    const path = `${bed.lab.directory}/capture.pcap`;
    await bed.restart(["-pcap", path]);
    const script = `ping -c 1 -W 5 ${GATEWAY.v4} >/dev/null && exec tcpdump -nr ${path} icmp`;
    for (let round = 1; round <= 5; round++) {
      const stdout = await bed.guest.check(["sh", "-c", script]);
      const echoes = stdout.split("\n").filter((line) => /echo re(quest|ply)/.test(line)).length;
      assertEquals(echoes, 2 * round, `packets after ${round} pings`);
    }
  });

  e2e(`${kindName(kind)}: -offload=false has every packet as on a wire, both ways`, async () => {
    await using bed = await Bed.create(kind);
    const path = `${bed.lab.directory}/capture.pcap`;
    await bed.restart(["-offload=false", "-pcap", path]);
    for (const version of VERSIONS) {
      const address = url(WORLD[version], "/blob");
      assertEquals((await bed.curl("-o", `${bed.lab.directory}/blob`, address)).code, 0);
      assertEquals((await bed.curl("--data-binary", `@${bed.lab.directory}/blob`, url(WORLD[version]))).code, 0);
    }
    await bed.program.stop();
    const { stdout } = await run(["tcpdump", "-nvvr", path], { timeout: 60_000 });
    const lines = stdout.split("\n");
    const tcp = lines.filter((line) => /: Flags \[/.test(line));
    assert(tcp.length > 1_000, `${tcp.length} segments`);
    assertEquals(tcp.filter((line) => !/cksum 0x[0-9a-f]{4} \(correct\)/.test(line)).slice(0, 5), []);
    const lengths = lines.flatMap((line) => / length:? (\d+)\)?/.exec(line)?.[1] ?? []).map(Number);
    assert(lengths.includes(1500));
    assertEquals(lengths.filter((length) => length > 1500).slice(0, 5), []);
  });
}
