/**
 * Sets up the guest's side of its network: a device with addresses, default routes and an MTU. The calling thread must
 * be in the guest's network namespace.
 *
 * @module
 */
import { IpAddress } from "../../stack/base/address.ts";
import { cString, libc } from "../libc/libc.ts";
import { ownNetworkNamespace } from "./netns.ts";
import { RouteNetlink } from "./route_netlink.ts";
import { closeTun, type NamespaceDescriptors, type OpenTun, openTun } from "../device/open_tun.ts";
import { O_CLOEXEC, O_WRONLY } from "../libc/constants/file.ts";

/** The guest's address and default gateway, for one IP version. */
export interface GuestAddress {
  /** The guest's address, as text. */
  readonly address: string;
  /** Bits of the network's prefix. */
  readonly prefixLength: number;
  /** The default gateway. */
  readonly gateway: string;
}

/** The configuration of the guest's network. */
export interface GuestNetwork {
  /** The guest's MTU in bytes. */
  readonly mtu: number;
  /** Null: the guest has no IPv4 address. */
  readonly ipv4: GuestAddress | null;
  /**
   * Not set up if the guest's kernel has no IPv6, or the MTU is too small for it. Null: the guest's kernel makes itself an
   * address if a router announces a prefix and its settings allow it, and no setting of it is changed.
   */
  readonly ipv6: GuestAddress | null;
  /** The device's hardware address, 6 bytes. Null or not given: its own. */
  readonly mac?: readonly number[] | null;
}

/** RFC 8200, section 5: the smallest MTU of a link, in bytes. */
const MIN_IPV6_MTU = 1280;

/** The guest's network namespace is the program's own, which must not be set up. */
export class OwnNamespaceError extends Error {
  override name = "OwnNamespaceError";

  constructor() {
    super(
      "-configure is refused: the guest's network namespace is the one that this program runs in, which would lose its " +
        "default routes. Give -pid or -netns of a guest that has a network namespace of its own by now",
    );
  }
}

/**
 * Attaches to the device of that name, which is made if it is missing, and sets it up.
 *
 * @param offload whether the guest's kernel may leave segmentation and checksums to the program
 * @param host the name of the program's network namespace ({@linkcode ownNetworkNamespace}): nothing is set up there
 * @param away descriptors of the guest's network namespace; not given: the calling thread is in there
 * @throws SystemError if a step fails
 * @throws OwnNamespaceError if that is the program's namespace; then nothing has changed
 */
export function setUpGuestNetwork(
  name: string,
  network: GuestNetwork,
  offload: boolean,
  host: string,
  away?: NamespaceDescriptors,
): OpenTun {
  if (away === undefined && ownNetworkNamespace() === host) throw new OwnNamespaceError();
  const tun = openTun(name, { mtu: network.mtu, offload, create: true, away });
  try {
    configure(tun, network, away);
    return tun;
  } catch (error) {
    closeTun(tun);
    throw error;
  }
}

function configure(
  { name, medium }: OpenTun,
  { mtu, ipv4, ipv6, mac = null }: GuestNetwork,
  away: NamespaceDescriptors | undefined,
): void {
  using netlink = new RouteNetlink(away);
  const add = (guest: GuestAddress, version: 4 | 6) => {
    const address = IpAddress.parse(guest.address), gateway = IpAddress.parse(guest.gateway);
    netlink.addAddress(name, address.bytes, guest.prefixLength);
    const near = sameNetwork(address, gateway, guest.prefixLength) || (version === 6 && gateway.bytes[0] === 0xfe);
    netlink.setDefaultRoute(name, version, medium === "ip" ? null : gateway.bytes, !near);
  };
  netlink.setUp("lo", null);
  if (ipv6 !== null) {
    // allows pings to other users than root; only groups known in the namespace are valid, and this is the only one
    writeSetting("ipv4/ping_group_range", `${libc().getegid()} ${libc().getegid()}`);
    writeSetting(`ipv6/conf/${name}/disable_ipv6`, "0");
    writeSetting(`ipv6/conf/${name}/accept_ra`, "0"); // so that it gets no addresses besides these
  }
  if (mac !== null) netlink.setHardwareAddress(name, Uint8Array.from(mac));
  netlink.setUp(name, mtu);
  if (ipv4 !== null) add(ipv4, 4);
  if (ipv6 !== null && mtu >= MIN_IPV6_MTU && hasIpv6(name)) add(ipv6, 6);
}

/** Whether two addresses of one version are the same in their first bits. */
function sameNetwork({ bytes: one }: IpAddress, { bytes: other }: IpAddress, bits: number): boolean {
  return one.every((byte, i) => (byte ^ other[i]) >> Math.min(8, Math.max(0, 8 - (bits - 8 * i))) === 0);
}

/** Whether the interface can have IPv6 addresses. */
function hasIpv6(name: string): boolean {
  const c = libc();
  const path = `/proc/sys/net/ipv6/conf/${name}`;
  return c.access(cString(path), 0) === 0;
}

/** Writes a setting below /proc/sys/net. Does nothing if it doesn't exist or must not be written. */
function writeSetting(path: string, value: string): void {
  const c = libc();
  const fd = c.open(cString(`/proc/sys/net/${path}`), O_WRONLY | O_CLOEXEC, 0);
  if (fd < 0) return;
  const text = new TextEncoder().encode(value);
  c.writeBuffer(fd, text, BigInt(text.length));
  c.close(fd);
}
