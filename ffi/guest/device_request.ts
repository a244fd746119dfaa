/**
 * Requests for the guest's device, and opening it in the calling thread's network namespace. Requests are sent to other
 * threads and processes, so they contain plain data only.
 *
 * @module
 */
import { type GuestNetwork, setUpGuestNetwork } from "../network/guest_network.ts";
import { type OpenTun, openTun } from "../device/open_tun.ts";

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
 * Opens the device in the calling thread's network namespace, and sets it up if the request has a configuration. Throws
 * a SystemError or an OwnNamespaceError.
 */
export function openRequested({ interface: name, mtu, offload, makeTap, network, host }: GuestDeviceRequest): OpenTun {
  if (network !== null) return setUpGuestNetwork(name, network, offload, host);
  return openTun(name, { mtu, offload, create: makeTap });
}
