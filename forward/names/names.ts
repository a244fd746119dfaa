/**
 * The interface through which forwards resolve names. Tests implement it without a name server.
 *
 * @module
 */
import type { Endpoint, IpAddress } from "../../stack/base/address.ts";

/** A service record (RFC 2782). */
export interface ServiceRecord {
  /** The records with the lowest priority are used. */
  readonly priority: number;
  /** The relative frequency with which it is chosen among records of equal priority. */
  readonly weight: number;
  /** The name of the host that provides it; `.` or empty: the service is not provided. */
  readonly host: string;
  readonly port: number;
}

/** A resolver of names. Every lookup ends in bounded time, and rejects when there is no answer. */
export interface Names {
  /** All addresses of a name by the system's resolver. */
  addresses(name: string): Promise<readonly IpAddress[]>;
  /** All addresses of a name, by that server. */
  addressesBy(server: Endpoint, name: string): Promise<readonly IpAddress[]>;
  /** The service records of a name, by that server. */
  servicesBy(server: Endpoint, name: string): Promise<readonly ServiceRecord[]>;
}
