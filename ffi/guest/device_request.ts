/**
 * Requests for the guest's device, and opening it in the calling thread's network namespace. Requests are sent to other
 * threads and processes, so they contain plain data only.
 *
 * @module
 */
import { type GuestNetwork, setUpGuestNetwork } from "../network/guest_network.ts";
import { type NamespaceDescriptors, type OpenTun, openTun } from "../device/open_tun.ts";

/** The device to open. */
export interface GuestDeviceRequest {
  readonly interface: string;
  /** The MTU that the stack uses; 0: the device's own. */
  readonly mtu: number;
  /** Whether the guest's kernel may leave segmentation and checksums to the program. */
  readonly offload: boolean;
  /** Whether a missing device is made, as a tap, which disappears with the descriptor. */
  readonly makeTap: boolean;
  /** The configuration of the device, which is made if it is missing; null: the device stays as it is. */
  readonly network: GuestNetwork | null;
  /**
   * The name of the program's own network namespace, in which no guest's network is set up. Empty without `network`.
   */
  readonly host: string;
}

/**
 * Opens the device, and sets it up if that is asked for. Throws a SystemError or an OwnNamespaceError.
 *
 * @param away descriptors of the guest's network namespace; not given: the calling thread is in it
 */
export function openRequested(request: GuestDeviceRequest, away?: NamespaceDescriptors): OpenTun {
  const { interface: name, mtu, offload, makeTap, network, host } = request;
  if (network !== null) return setUpGuestNetwork(name, network, offload, host, away);
  return openTun(name, { mtu, offload, create: makeTap, away });
}

/**
 * Whether descriptors of the guest's network namespace are enough to open the device, so that no process has to enter the
 * namespace. It has to if settings below /proc/sys/net are written.
 */
export function needsNoProcess({ network }: GuestDeviceRequest): boolean {
  return network === null || network.ipv6 === null;
}
