/**
 * The guest's device as it is asked for, and opening it in the calling thread's network namespace. Requests travel to
 * other threads and processes, so they hold plain data only.
 *
 * @module
 */
import { type GuestNetwork, setUpGuestNetwork } from "../network/guest_network.ts";
import { type OpenTun, openTun } from "../device/open_tun.ts";

/** The device that is asked for. */
export interface GuestDeviceRequest {
  readonly interface: string;
  /** The MTU for us; 0: the device's own. */
  readonly mtu: number;
  /** Whether the guest's kernel may leave segmentation and checksums to us. */
  readonly offload: boolean;
  /** Whether the device, a tap, is made if it is missing. It goes away with the descriptor. */
  readonly makeTap: boolean;
  /** How to set up the device, which may be missing; null: it stays as it is. */
  readonly network: GuestNetwork | null;
  /** The network namespace of this program, by its name: no guest's network is set up there. Empty without `network`. */
  readonly host: string;
}

/**
 * Opens the device in the calling thread's network namespace, and sets it up where that is asked for. Throws a
 * SystemError or an OwnNamespaceError.
 */
export function openRequested({ interface: name, mtu, offload, makeTap, network, host }: GuestDeviceRequest): OpenTun {
  if (network !== null) return setUpGuestNetwork(name, network, offload, host);
  return openTun(name, { mtu, offload, create: makeTap });
}
