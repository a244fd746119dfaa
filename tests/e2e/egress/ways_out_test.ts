/**
 * Egress by name: what leaves the host, as the world's side of the link sees it, when a guest tries every way out. Such
 * ways were open elsewhere: DNS (https://github.com/NVIDIA/OpenShell/issues/1169 and
 * https://github.com/superradcompany/microsandbox/issues/675), and addresses that were not looked up
 * (https://github.com/containers/gvisor-tap-vsock/pull/600).
 */
import { WORLD } from "../../../scripts/lab/lab.ts";
import { assertEquals, assertMatch } from "../../assert.ts";
import { e2e } from "../bed/bed.ts";
import { RunBed } from "../bed/run_bed.ts";

/** Without what the kernels themselves send: neighbour discovery, router solicitations, multicast listener reports. */
const FILTER = "not arp and not (icmp6 and ip6[40] >= 130 and ip6[40] <= 143) and not (ip6[6] == 0 and ip6[40] == 58)";

e2e("nothing leaves but connections to the allowed name, whatever packets a guest sends", async () => {
  await using bed = await RunBed.create();
  const { lab, resolver } = bed;
  const command = ["tcpdump", "-n", "-l", "-q", "--immediate-mode", "-i", "any", "-Q", "in", FILTER];
  const capture = lab.start(lab.world, command);
  await capture.line("stderr", /^listening on/);
  const from = resolver.stdout.length;
  const script = `
    curl --silent --show-error --max-time 20 --output /dev/null http://world.test/
    own=$(getent ahostsv4 world.test | sed -n '1s/ .*//p')
    v6=$(ip -6 -o address show dev tun0 scope global | sed -n '1s/.*inet6 \\([^/]*\\).*/\\1/p')
    v4=$(ip -4 -o address show dev tun0 | sed -n '1s/.*inet \\([^/ ]*\\).*/\\1/p')
    python3 -B ./tests/e2e/egress/ways_out.py tun0 "$v4" "$v6" ${WORLD.v4} ${WORLD.v6} "$own"
    bash -c 'exec 3<>/dev/tcp/world.test/7; echo last >&3; head -n 1 <&3'`;
  const rules = "tcp://world.test:80,tcp://world.test:7";
  const { stdout, stderr, code } = await bed.run(["-only", rules, "-quiet", "-sandbox", "sh", "-c", script]);
  assertEquals(code, 0, stdout + stderr);
  assertMatch(stdout, /^sent \d{3}\nlast$/m, stdout);
  await capture.line("stdout", / > 203\.0\.113\.1\.7: tcp 5$/); // all before it was captured, too
  await capture.stop();
  const strangers = capture.stdout.filter((line) => line !== "" && !/ > 203\.0\.113\.1\.(80|7): tcp \d+$/.test(line));
  assertEquals(strangers, [], "what left the host");
  const asked = resolver.stdout.slice(from).filter((line) => line.startsWith("asked"));
  assertEquals(asked.filter((line) => !/^asked udp world\.test (1|28)$/.test(line)), [], "what was asked");
});
