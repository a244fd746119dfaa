/**
 * A network for tests, made of namespaces and unreachable from anywhere else:
 *
 *     guest(s) ── tun0 ──[ program under test ]── host ── veth ── world
 *                          runs in host                            203.0.113.1, 2001:db8:ffff::1
 *
 * The host reaches the world's addresses {@linkcode WORLD} by its default route only, as a machine reaches the
 * internet. The veth's own subnet ({@linkcode HOST_LINK}, {@linkcode WORLD_LINK}) is one of the host's networks. The
 * world is a router that knows no other network, so it answers for any other address with "unreachable". The veth's MTU
 * is the largest possible unless another is asked for.
 *
 * Disposing of the lab removes all of it. So does the end of this process, however it ends: a helper, the reaper, waits
 * for the end of a pipe that only this process holds, then kills the processes in the lab's namespaces, by process id,
 * deletes the namespaces, and removes the lab's directory.
 *
 * @module
 */
import { Namespace } from "./namespace.ts";
import { Process } from "./process.ts";

/** An address of each version. */
export interface AddressPair {
  readonly v4: string;
  readonly v6: string;
}

/** The world's addresses, "the internet". */
export const WORLD: AddressPair = { v4: "203.0.113.1", v6: "2001:db8:ffff::1" };
/** The host's end of the veth. */
export const HOST_LINK: AddressPair = { v4: "192.0.2.1", v6: "2001:db8:1::1" };
/** The world's end of the veth, in one of the host's networks. */
export const WORLD_LINK: AddressPair = { v4: "192.0.2.2", v6: "2001:db8:1::2" };
/** Addresses that the world has no route to. */
export const NOWHERE: AddressPair = { v4: "198.51.100.1", v6: "2001:db8:dead::1" };

/** The largest MTU of a veth. */
export const LINK_MTU = 65_535;

/** Reads namespace names until the pipe ends. Ctrl-C on the terminal reaches it too, and must not end it. */
const REAPER = `
trap '' HUP INT TERM
directory=$1; shift
while read -r name; do set -- "$@" "$name"; done
for name; do
  for pid in $(ip netns pids "$name" 2>/dev/null); do kill -KILL "$pid" 2>/dev/null; done
  ip netns delete "$name" 2>/dev/null
done
rm -rf -- "$directory"`;

/** The host, the world, and any number of guests. Needs root. */
export class Lab implements AsyncDisposable {
  private readonly started: Process[] = [];
  private guests = 0;

  private constructor(
    private readonly prefix: string,
    private readonly reaper: Process,
    /** A directory for files, removed with the lab. */
    readonly directory: string,
    readonly host: Namespace,
    readonly world: Namespace,
  ) {}

  /** Makes the host, the world, and a link of that MTU between them. Throws an Error that asks for root without it. */
  static async create(linkMtu: number = LINK_MTU): Promise<Lab> {
    if (Deno.uid() !== 0) throw new Error("network namespaces are made with `ip netns add`, which needs root");
    const prefix = `slirp-${Deno.pid}-${crypto.randomUUID().slice(0, 8)}`;
    const directory = await Deno.makeTempDir({ prefix: "slirpnetstack-" });
    const reaper = Process.start(["sh", "-c", REAPER, "reaper", directory]);
    try {
      const [host, world] = [`${prefix}-host`, `${prefix}-world`];
      await reaper.say(`${host}\n${world}\n`);
      const lab = new Lab(prefix, reaper, directory, await Namespace.create(host), await Namespace.create(world));
      await lab.connect(linkMtu);
      return lab;
    } catch (error) {
      await reaper.sayEnd();
      await reaper.ended;
      throw error;
    }
  }

  /** A new guest namespace with only its loopback device. */
  async guest(): Promise<Namespace> {
    const name = `${this.prefix}-guest${this.guests++}`;
    await this.reaper.say(`${name}\n`);
    const guest = await Namespace.create(name);
    await guest.sysctl({ "ipv6/conf/all/accept_dad": 0, "ipv6/conf/default/accept_dad": 0 });
    return guest;
  }

  /**
   * Puts a network behind the world: a namespace with these addresses, which the host reaches through the world by a link
   * of that MTU.
   */
  async beyond(addresses: AddressPair, linkMtu: number): Promise<Namespace> {
    const { world } = this;
    const far = await this.guest();
    await far.sysctl({ "ipv4/icmp_ratelimit": 0, "ipv6/icmp/ratelimit": 0 });
    await world.ip(`link add far0 mtu ${linkMtu} type veth peer name eth0 mtu ${linkMtu} netns ${far.name}`);
    await world.ip(`
      address add 192.0.2.5/30 dev far0
      address add 2001:db8:2::1/64 dev far0 nodad
      link set far0 up`);
    await far.ip(`
      address add 192.0.2.6/30 dev eth0
      address add 2001:db8:2::2/64 dev eth0 nodad
      address add ${addresses.v4}/32 dev lo
      address add ${addresses.v6}/128 dev lo nodad
      link set eth0 up
      route add default via 192.0.2.5
      route add default via 2001:db8:2::1`);
    await world.ip(`route add ${addresses.v4} via 192.0.2.6\nroute add ${addresses.v6} via 2001:db8:2::2`);
    return far;
  }

  /** Starts a process that is stopped with the lab. */
  start(where: Namespace, command: readonly string[]): Process {
    return this.adopt(where.start(command));
  }

  /** Stops a running process with the lab. Returns it. */
  adopt(process: Process): Process {
    this.started.push(process);
    return process;
  }

  /** Gives the world one more address that the host reaches by its default route. */
  async addWorldAddress(address: string): Promise<void> {
    await this.world.ip(`address add ${address} dev lo nodad`);
  }

  private async connect(linkMtu: number): Promise<void> {
    const { host, world } = this;
    await Promise.all([
      host.sysctl({ "ipv6/conf/all/accept_dad": 0, "ipv6/conf/default/accept_dad": 0 }),
      world.sysctl({
        "ipv6/conf/all/accept_dad": 0,
        "ipv6/conf/default/accept_dad": 0,
        "ipv4/ip_forward": 1,
        "ipv6/conf/all/forwarding": 1,
        "ipv4/icmp_ratelimit": 0, // every unroutable packet is answered, not one a second
        "ipv6/icmp/ratelimit": 0,
      }),
    ]);
    await host.ip(`link add eth0 mtu ${linkMtu} type veth peer name eth0 mtu ${linkMtu} netns ${world.name}`);
    await world.ip(`
      address add ${WORLD_LINK.v4}/30 dev eth0
      address add ${WORLD_LINK.v6}/64 dev eth0 nodad
      address add ${WORLD.v4}/32 dev lo
      address add ${WORLD.v6}/128 dev lo nodad
      link set eth0 up`);
    await host.ip(`
      address add ${HOST_LINK.v4}/30 dev eth0
      address add ${HOST_LINK.v6}/64 dev eth0 nodad
      link set eth0 up`);
    await Lab.addDefaultRoutes(host);
  }

  /** Routes everything without another route from the host to the world. */
  static async addDefaultRoutes(host: Namespace): Promise<void> {
    await host.ip(`route add default via ${WORLD_LINK.v4}\nroute add default via ${WORLD_LINK.v6}`);
  }

  /** Stops the processes started through the lab, then deletes its namespaces with all that still runs in them. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.started.map((process) => process.stop()));
    await this.reaper.sayEnd();
    await this.reaper.ended;
  }
}
