/**
 * The bed of the tests with container engines: an ordinary user who has subordinate ids, a root file system made of
 * BusyBox, and this program under the name `slirp4netns`.
 *
 * The user exists in a mount namespace only, which has files of users of its own, a home and a runtime directory in
 * memory, and cgroups of version 2. So nothing has to be undone. Images are never pulled.
 *
 * @module
 */
import { Process, type Result, run, type RunOptions } from "../../../scripts/lab/process.ts";
import type { Namespace } from "../../../scripts/lab/namespace.ts";
import { until } from "../../../scripts/lab/until.ts";
import { RunBed } from "./run_bed.ts";

/** The user's name and home. */
const NAME = "tester", HOME = `/home/${NAME}`;

/** The container's root file system. */
export const ROOTFS = `${HOME}/rootfs`;

/** This program, by the name that engines look for, in a folder of its own. */
export const SLIRP4NETNS = `${HOME}/bin/slirp4netns`;

/** The subordinate ids: many, and not those of any user. */
const SUBORDINATES = "1000000000:65536";

/** Makes the user, and holds it. */
const WORLD_OF_USER = `
user=$1 name=$2 home=$3 subordinates=$4 program=$5
mount -t tmpfs -o mode=755 tmpfs /home
for file in passwd group subuid subgid; do cp /etc/$file /home/.$file; done
echo "$name:x:$user:$user::$home:/bin/sh" >> /home/.passwd
echo "$name:x:$user:" >> /home/.group
for file in subuid subgid; do echo "$name:$subordinates" >> /home/.$file; done
for file in passwd group subuid subgid; do mount --bind /home/.$file /etc/$file; done
mkdir -p "$home/.config/containers" "$home/bin" "$home/rootfs/bin" "$home/tmp"
for folder in dev etc proc root run sys tmp var; do mkdir "$home/rootfs/$folder"; done
busybox=$(command -v busybox)
for file in $(ldd "$busybox" 2>/dev/null | grep -o '/[^ ]*'); do install -D "$file" "$home/rootfs$file"; done
cp "$busybox" "$home/rootfs/bin/busybox"
chroot "$home/rootfs" /bin/busybox --install -s /bin
echo root:x:0:0:root:/root:/bin/sh > "$home/rootfs/etc/passwd"
{ echo '#!/bin/sh'; echo "exec $program"; } > "$home/bin/slirp4netns"
chmod 755 "$home/bin/slirp4netns"
cat > "$home/.config/containers/containers.conf" <<END
[containers]
cgroups = "disabled"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "crun"
network_cmd_path = "$home/bin/slirp4netns"
END
cat > "$home/.config/containers/storage.conf" <<END
[storage]
driver = "vfs"
END
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -t tmpfs -o mode=755 tmpfs /run/user
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mkdir -m 700 /run/user/$user
chown -R "$user:$user" "$home" /run/user/$user
if [ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ]; then
  umount -R /sys/fs/cgroup
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
fi
echo ready
exec cat`;

const SERVER = `
import socket, sys, threading
def at(kind):
    server = socket.socket(socket.AF_INET6, kind)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("::", int(sys.argv[1])))
    return server
def name(peer): return peer[0].removeprefix("::ffff:").encode() + b"\\n"
def datagrams(server):
    while True:
        _, peer = server.recvfrom(2000)
        server.sendto(name(peer), peer)
streams = at(socket.SOCK_STREAM)
streams.listen()
threading.Thread(target=datagrams, args=[at(socket.SOCK_DGRAM)], daemon=True).start()
print("ready", flush=True)
while True:
    stream, peer = streams.accept()
    stream.sendall(name(peer))
    stream.close()`;

const CLIENT = `
import socket, sys
_, network, address, port = sys.argv
family = socket.AF_INET6 if ":" in address else socket.AF_INET
client = socket.socket(family, socket.SOCK_STREAM if network == "tcp" else socket.SOCK_DGRAM)
client.settimeout(2)
try:
    client.connect((address, int(port)))
    if network == "udp": client.send(b"?")
    print(client.recv(100).decode(), end="")
except OSError: pass`;

/** The user, with what container engines need. */
export class ContainerBed implements AsyncDisposable {
  private constructor(
    /** The lab and the program of {@linkcode RunBed}, in whose world this one is. */
    readonly base: RunBed,
    private readonly holder: Process,
  ) {}

  /** Makes it. */
  static async create(): Promise<ContainerBed> {
    const base = await RunBed.create();
    try {
      const command = ["env", `DENO_DIR=${base.at}/deno`, ...base.program, "slirp4netns"].map(quoted).join(" ");
      const words = [String(base.user), NAME, HOME, SUBORDINATES, `${command} "$@"`];
      const make = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", WORLD_OF_USER, "sh"];
      const holder = base.lab.adopt(Process.start(base.asRoot([...make, ...words])));
      await holder.line("stdout", /^ready$/);
      return new ContainerBed(base, holder);
    } catch (error) {
      await base[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The command line that runs a command as the user. */
  asUser(...command: readonly string[]): string[] {
    const { base, holder } = this;
    const environment = [
      `HOME=${HOME}`,
      `USER=${NAME}`,
      `XDG_RUNTIME_DIR=/run/user/${base.user}`,
      `TMPDIR=${HOME}/tmp`,
    ];
    return base.asUser(["env", `--chdir=${HOME}`, ...environment, ...command], holder.pid);
  }

  /** Runs a command as the user, to its end. */
  run(command: readonly string[], options?: RunOptions): Promise<Result> {
    return run(this.asUser(...command), { timeout: 60_000, ...options });
  }

  /** Starts a command as the user. */
  start(...command: readonly string[]): Process {
    return this.base.lab.adopt(Process.start(this.asUser(...command)));
  }

  /** The process ids of this program that an engine has started. */
  programs(): number[] {
    return [...this.base.processes()].filter(([, line]) => / slirp4netns .*tap0$/.test(line)).map(([pid]) => pid);
  }

  /** Waits until the engine's instances of this program have ended. */
  async noProgramLeft(): Promise<void> {
    await until("the end of the program", 5_000, () => this.programs().length === 0);
  }

  /** Runs a command of the host's in the network namespace of a process, as root. */
  inNetworkOf(pid: number, command: readonly string[], options?: RunOptions): Promise<Result> {
    return run(["nsenter", `--net=/proc/${pid}/ns/net`, "--", ...command], options);
  }

  /**
   * Starts a server in the network namespace of a process, on a TCP and a UDP port of all addresses. It answers each client
   * with the address that the client has there.
   */
  async serveIn(pid: number, port: number): Promise<void> {
    const command = ["nsenter", `--net=/proc/${pid}/ns/net`, "--", "python3", "-c", SERVER, String(port)];
    await this.base.lab.adopt(Process.start(command)).line("stdout", /^ready$/);
  }

  /** What the server says to a client in that namespace. Empty: nothing within two seconds. */
  async ask(where: Namespace, network: "tcp" | "udp", address: string, port: number): Promise<string> {
    return (await where.check(["python3", "-c", CLIENT, network, address, String(port)])).trimEnd();
  }

  /** Ends the user's processes: containers of a test that failed, and podman's own, which outlive their commands. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const pid of this.base.processes().keys()) {
      try {
        Deno.kill(pid, "SIGKILL");
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error; // it has ended by itself
      }
    }
    await this.base[Symbol.asyncDispose]();
  }
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
