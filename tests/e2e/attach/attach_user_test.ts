/** Attaching to a guest's namespaces without root, as the user who owns them. */
import { WORLD } from "../../../scripts/lab/lab.ts";
import { Process, run } from "../../../scripts/lab/process.ts";
import { assertEquals, assertMatch } from "../../assert.ts";
import { e2e } from "../bed/bed.ts";
import { RunBed } from "../bed/run_bed.ts";

e2e("attach without root: -configure makes the device; -ready-fd and -exit-fd", async () => {
  await using bed = await RunBed.create();
  const guest = bed.lab.adopt(Process.start(bed.asUser(["unshare", "-Urn", "sh", "-c", "echo $$; exec sleep 1000"])));
  const [pid] = await guest.line("stdout", /^\d+$/, 20_000);
  const enter = (...command: string[]) =>
    run(["nsenter", "--target", pid, "--user", "--net", "--preserve-credentials", "--", ...command]);
  const attach = bed.program;
  // without a device it fails with a message of its own, and nothing changes
  const missing = await run(bed.asUser([...attach, "-pid", pid]));
  assertEquals(missing.code, 253);
  assertMatch(missing.stderr, /Failed to open TUN\/TAP: .*on tun0: .*ENODEV.*-configure/);

  // fd 3 is written to when traffic flows; fd 4 closes with the shell's stdin
  const shell = 'exec 4<&0 0</dev/null; { "$@" 3>&8 8>&- | cat; } 8>&1';
  const words = [...attach, "-quiet", "-pid", pid, "-configure", "-mtu", "9000", "-ready-fd", "3", "-exit-fd", "4"];
  const program = bed.lab.adopt(Process.start(bed.asUser(["sh", "-c", shell, "sh", ...words])));
  await program.line("stderr", /Slirpnetstack started$/, 20_000);
  for (const url of [`http://${WORLD.v4}/`, `http://[${WORLD.v6}]/`]) {
    assertMatch((await enter("curl", "-sS", "--max-time", "10", url)).stdout, /^Hello, /);
  }
  assertMatch((await enter("ip", "-o", "link", "show", "tun0")).stdout, /mtu 9000 .*state (UP|UNKNOWN)/);
  await program.sayEnd();
  await program.end();
  assertEquals(program.stdout, ["1"]);
  assertMatch(program.stderr.at(-1)!, /Slirpnetstack closing$/);
  assertEquals((await enter("ip", "-o", "link", "show", "tun0")).code, 1); // it was made for the program, and is gone
});

e2e("attach without root: no other program is needed to open the device", async () => {
  await using bed = await RunBed.create();
  const guest = bed.lab.adopt(Process.start(bed.asUser(["unshare", "-Urn", "sh", "-c", "echo $$; exec sleep 1000"])));
  const [pid] = await guest.line("stdout", /^\d+$/, 20_000);
  const words = ["env", "PATH=/none", ...bed.program, "-pid", pid, "-make-tap", "-interface", "tap0"];
  const program = bed.lab.adopt(Process.start(bed.asUser(words)));
  await program.line("stderr", /Slirpnetstack started$/, 20_000);
  const enter = ["nsenter", "--target", pid, "--user", "--net", "--preserve-credentials", "--"];
  assertEquals((await run([...enter, "ip", "link", "show", "tap0"])).code, 0, "the device is there");
  assertEquals((await Deno.stat(`/proc/${program.pid}/status`)).uid, bed.user, "its user may still look at it");
});

/** Makes a network namespace that no process is in, which a file in this mount namespace stands for. */
const DETACHED = `
mount -t tmpfs tmpfs /mnt
touch /mnt/netns
unshare --net mount --bind /proc/self/ns/net /mnt/netns
echo $$
exec sleep 1000`;

e2e("attach without root: a network namespace by a file that only another mount namespace has", async () => {
  await using bed = await RunBed.create();
  const holder = bed.lab.adopt(Process.start(bed.asUser(["unshare", "-Urm", "sh", "-ec", DETACHED])));
  const [pid] = await holder.line("stdout", /^\d+$/, 20_000);
  const words = [...bed.program, "-netns", `/proc/${pid}/root/mnt/netns`, "-make-tap", "-configure"];
  const program = bed.lab.adopt(Process.start(bed.asUser(words)));
  await program.line("stderr", /Slirpnetstack started$/, 20_000);
  const enter = ["nsenter", "--target", pid, "--user", `--net=/proc/${pid}/root/mnt/netns`, "--preserve-credentials"];
  const fetched = await run([...enter, "--", "curl", "-sS", "--max-time", "10", `http://${WORLD.v4}/`]);
  assertMatch(fetched.stdout, /^Hello, /, fetched.stderr);
});

e2e(
  "attach without root: refused for another user's guest, without /dev/net/tun, and with missing descriptors",
  async () => {
    await using bed = await RunBed.create();
    const other = await run(bed.asUser([...bed.program, "-pid", "1"]));
    assertEquals(other.code, 253);
    assertMatch(other.stderr, /Failed to open TUN\/TAP: open on \/proc\/1\/ns\/net: .*root/);
    const noFile = 'ip tuntap add mode tap name tun0; mount -t tmpfs tmpfs /dev/net; exec "$@"';
    const missing = await run(bed.asUser(["unshare", "-Urnm", "sh", "-ec", noFile, "sh", ...bed.program]));
    assertEquals(missing.stdout, "", "stdout");
    assertEquals(missing.code, 253, "exit status");
    assertMatch(missing.stderr, /\nFailed to open TUN\/TAP: open on \/dev\/net\/tun: .*ENOENT.* modprobe tun/);
    const closed = await run(bed.asUser([...bed.program, "-ready-fd", "77"]));
    assertEquals(closed.code, 1);
    assertMatch(closed.stderr, /^\[!\] .*fd 77: .*EBADF/);
    await bed.nothingLeft();
  },
);
