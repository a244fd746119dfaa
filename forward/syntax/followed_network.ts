/**
 * A network whose forwarded ports follow what listens, as pasta's `-t auto` asks for it.
 *
 * @module
 */
import type { IpAddress } from "../../stack/base/address.ts";

/** A network whose ports are followed. */
export interface FollowedNetwork {
  readonly network: "tcp" | "udp";
  /** Where to listen on the host; null: on all addresses. */
  readonly address: IpAddress | null;
  /** Whether a port is left out. */
  readonly excludes: (port: number) => boolean;
}
