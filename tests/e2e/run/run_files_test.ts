/**
 * `slirpnetstack run`: the system's files that a command sees. Its name servers stay whatever the host does to
 * /etc/resolv.conf; the rest of /etc is the host's and follows its changes; and the interfaces in /sys are the guest's.
 */
import { check, Process, run } from "../../../scripts/lab/process.ts";
import { PROGRAM_ENVIRONMENT, PROJECT } from "../../../scripts/lab/program.ts";
import { until } from "../../../scripts/lab/until.ts";
import { assertEquals, assertMatch, assertStringIncludes } from "../../assert.ts";
import { e2e } from "../bed/bed.ts";
import { RunBed } from "../bed/run_bed.ts";

let made: Promise<RunBed> | null = null;
const bed = () => made ??= RunBed.create();
Deno.test.afterAll(async () => await (await made)?.[Symbol.asyncDispose]());

/** The callers of `run`, and their command lines. */
const MODES = {
  "a user": { root: false, flags: [] },
  "a user, -sandbox=false": { root: false, flags: ["-sandbox=false"] },
  "root": { root: true, flags: [] },
  "root, -userns": { root: true, flags: ["-userns"] },
} as const;

/** A host with its own files: an /etc and a /run in a mount namespace of this test's. */
const WORLD_OF_FILES = `
mount -t tmpfs -o mode=755 tmpfs /mnt && mkdir -m 755 /mnt/etc /mnt/run
cd /etc && cp -a hosts passwd group nsswitch.conf /mnt/etc/
cd /mnt && mkdir etc/folder run/nscd && echo first >etc/file && echo in it >etc/folder/file && ln -s file etc/link
echo outside >outside && ln -s ../../outside etc/folder/climbs
eval "$1"
mount --bind /mnt/etc /etc && mount --bind /mnt/run /run
echo ready
exec cat`;

const PLAIN = "echo 'nameserver 127.0.0.53' >etc/resolv.conf";
const LINKED =
  "mkdir -p run/systemd/resolve && echo 'nameserver 127.0.0.53' >run/systemd/resolve/stub-resolv.conf && " +
  "ln -s ../run/systemd/resolve/stub-resolv.conf etc/resolv.conf";

/** A command that runs each line of its stdin, and a shell on the host's files. */
class Session implements AsyncDisposable {
  private lines = 0;

  private constructor(readonly bed: RunBed, private readonly host: Process, private readonly command: Process) {}

  static async start(mode: keyof typeof MODES, resolvConf: string): Promise<Session> {
    const { root, flags } = MODES[mode];
    const world = await bed();
    const make = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", WORLD_OF_FILES, "sh", resolvConf];
    const host = world.lab.adopt(Process.start(world.asRoot(make)));
    await host.line("stdout", /^ready$/);
    const words = [...world.program, "run", ...flags, "--", "sh", "-c", 'while read -r line; do eval "$line"; done'];
    const line = root ? world.asRoot(words, host.pid) : world.asUser(words, host.pid);
    const command = world.lab.adopt(Process.start(line, { env: PROGRAM_ENVIRONMENT, cwd: PROJECT }));
    return new Session(world, host, command);
  }

  /** Sends a line to the command, and returns its output. */
  async inside(script: string): Promise<string> {
    const mark = `end ${this.lines++}`;
    const first = this.command.stdout.length;
    await this.command.say(`{ ${script}; } 2>&1; echo '${mark}'\n`);
    await this.command.line("stdout", new RegExp(`^${mark}$`), 20_000, first);
    return this.command.stdout.slice(first, -1).join("\n");
  }

  /** Runs a script on the host, in the folder of its /etc and /run. */
  async outside(script: string): Promise<void> {
    await check(this.bed.asRoot(["sh", "-ec", `cd /mnt; ${script}`], this.host.pid));
  }

  /** Waits until the command prints that. */
  async says(script: string, expected: string): Promise<void> {
    let said = "";
    try {
      await until(script, 10_000, async () => (said = await this.inside(script)) === expected);
    } catch (cause) {
      throw new Error(`${script}: ${said}`, { cause });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.command.sayEnd();
    await this.command.stop();
    await this.host.stop();
  }
}

const SERVERS = "grep ^nameserver /etc/resolv.conf";
const OURS = "nameserver 10.0.2.3\nnameserver fd00::3";

for (const mode of Object.keys(MODES) as (keyof typeof MODES)[]) {
  for (const [kind, make] of [["a file", PLAIN], ["a link", LINKED]] as const) {
    e2e(`run by ${mode}: resolv.conf stays, whatever becomes of the host's, ${kind}`, async () => {
      await using session = await Session.start(mode, make);
      assertEquals(await session.inside(SERVERS), OURS);
      for (
        const change of [
          "echo 'nameserver 127.0.0.1' >new && mv new $(readlink -f etc/resolv.conf)", // as resolvers and DHCP clients do
          "echo 'nameserver 127.0.0.1' >etc/new && mv etc/new etc/resolv.conf",
          "ln -s /nowhere etc/new && mv etc/new etc/resolv.conf",
          "rm etc/resolv.conf",
          "echo 'nameserver 127.0.0.1' >etc/resolv.conf",
        ]
      ) {
        await session.outside(
          change.replace(
            "$(readlink -f etc/resolv.conf)",
            kind === "a file" ? "etc/resolv.conf" : "run/systemd/resolve/stub-resolv.conf",
          ),
        );
        assertEquals(await session.inside(SERVERS), OURS, change);
      }
    });
  }

  e2e(`run by ${mode}: the other files in /etc are the host's, also when they change`, async () => {
    await using session = await Session.start(mode, PLAIN);
    const look = "cat /etc/file /etc/folder/file /etc/link; cd /etc && ls | tr '\\n' ' '; cat /etc/folder/climbs; cd /";
    const names = "file folder group hosts link nsswitch.conf passwd resolv.conf";
    const said = await session.inside(look);
    assertEquals(said.split("\n").slice(0, 3), ["first", "in it", "first"]);
    assertStringIncludes(said, names);
    assertEquals(
      await session.inside("stat -L -c '%s %Y %a' /etc/hosts"),
      await session.inside("stat -L -c '%s %Y %a' /etc/.host/hosts"),
    );
    await session.outside("echo second >etc/file");
    assertEquals(await session.inside("cat /etc/file"), "second", "written in place");
    await session.outside("echo third >new && mv new etc/file");
    assertEquals(await session.inside("cat /etc/file"), "third", "replaced");
    await session.outside("echo new >'etc/new file' && mkdir etc/new-folder && echo inner >etc/new-folder/inner");
    await session.says("cat '/etc/new file' /etc/new-folder/inner", "new\ninner");
    await session.outside("rm 'etc/new file' && rm -r etc/new-folder etc/folder && echo plain >etc/folder");
    await session.says("cat /etc/folder", "plain");
    await session.says("ls -d /etc/new* 2>/dev/null | wc -l", "0");
    await session.outside("ln -s folder other && mv -T other etc/link && rm etc/hosts && mkdir etc/hosts");
    await session.says("cat /etc/link; ls -d /etc/hosts/", "plain\n/etc/hosts/");
    assertEquals(
      await session.inside("touch /etc/mine && echo made"),
      "touch: cannot touch '/etc/mine': Read-only file system",
    );
    await session.outside("[ ! -e etc/mine ]");
  });

  e2e(`run by ${mode}: the host's daemons for names are out of reach, also when they start again`, async () => {
    await using session = await Session.start(mode, LINKED);
    const look = "ls /run/nscd /run/systemd/resolve | grep -c 'socket\\|io.systemd'";
    await session.outside("touch run/nscd/socket run/systemd/resolve/io.systemd.Resolve");
    assertEquals(await session.inside(look), "0");
    await session.outside("cd run/systemd/resolve && touch new && mv new io.systemd.Resolve");
    assertEquals(await session.inside(look), "0");
    await session.outside("rm -r run/nscd && mkdir run/nscd && touch run/nscd/socket");
    await session.says(look, "0");
  });
}

for (const mode of Object.keys(MODES) as (keyof typeof MODES)[]) {
  e2e(`run by ${mode}: /sys/class/net has the guest's interfaces, and /sys all else`, async () => {
    const world = await bed();
    const { root, flags } = MODES[mode];
    const call = async (before: readonly string[], script: string) => {
      const words = [...before, ...world.program, "run", ...flags, "--", "sh", "-c", script];
      const result = await run(root ? world.asRoot(words) : world.asUser(words), {
        env: PROGRAM_ENVIRONMENT,
        cwd: PROJECT,
      });
      assertEquals(result.stderr, "", `stderr: ${result.stdout}`);
      assertEquals(result.code, 0, `exit status: ${result.stdout}`);
      return result.stdout;
    };
    const look =
      "ls /sys/class/net; cat /sys/class/net/tun0/mtu; ls /sys/devices/virtual/net; ls /sys/kernel | wc -l; " +
      "awk '$5 ~ /^\\/sys\\// { print $5 }' /proc/self/mountinfo | sort -u";
    const below = (await check(world.asRoot(["awk", "$5 ~ /^\\/sys\\// { print $5 }", "/proc/self/mountinfo"]))).split(
      "\n",
    );
    const said = await call([], look);
    assertMatch(said, /^lo\ntun0\n65520\nlo\ntun0\n[1-9]\d*\n/);
    for (const mount of below) assertStringIncludes(`${said}\n`, `${mount}\n`);
  });
}

e2e("run: where no fresh sysfs may be mounted, the host's interfaces are covered", async () => {
  const world = await bed();
  // a container's /sys: a part of it is covered, so the kernel shows none to a user namespace
  const script = 'mount -t tmpfs tmpfs /sys/kernel; exec "$@"';
  const before = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", script, "sh"];
  const inside =
    "ls -A /sys/class/net /sys/devices/virtual/net; find /sys/devices -path '*/net/*' 2>/dev/null; ls /sys/class | wc -l";
  const command = [...before, ...world.program, "run", "-userns", "--", "sh", "-c", inside];
  const { stdout, stderr, code } = await run(world.asRoot(command), { env: PROGRAM_ENVIRONMENT, cwd: PROJECT });
  assertEquals(stderr, "", `stderr: ${stdout}`);
  assertEquals(code, 0, `exit status: ${stdout}`);
  assertMatch(stdout, /^\/sys\/class\/net:\n\n\/sys\/devices\/virtual\/net:\n[1-9]\d*\n$/);
});

e2e("run in a chroot whose folder is no mount point: the cause is named", async () => {
  const world = await bed();
  const script = `
    mount -t tmpfs tmpfs /mnt && mkdir /mnt/root && cd /mnt/root && mkdir tmp
    for link in bin sbin lib lib64; do if [ -L "/$link" ]; then cp -a "/$link" .; fi; done
    for path in usr etc proc sys dev root "\${1#/}" work; do
      if [ -d "/$path" ]; then mkdir -p "$path" && mount --rbind "/$path" "$path"; fi
    done
    mkdir -p deno/npm && mount --rbind "$1/deno/npm" deno/npm
    cd "$1/project" && shift && exec chroot /mnt/root "$@"`;
  for (
    const [flags, expected] of [
      [[], /^\[!\] Failed to make the guest: mount on \/: .*EINVAL.*this is a chroot .*mount --bind DIR DIR/],
      [["-userns"], /^\[!\] Failed to make the guest: .*this is a chroot, .* no user namespaces/],
    ] as const
  ) {
    const before = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", script, "sh", world.at];
    const { stdout, stderr, code } = await run(world.asRoot([...before, ...world.program, "run", ...flags, "true"]), {
      env: { ...PROGRAM_ENVIRONMENT, DENO_DIR: "/deno" },
    });
    assertMatch(stderr, expected);
    assertEquals(stdout, "", "stdout");
    assertEquals(code, 253, "exit status");
  }
});
