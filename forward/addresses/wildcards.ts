/**
 * The wildcard addresses, 0.0.0.0 and `::`. A socket that is bound to one receives on all addresses of its version (ip(7);
 * RFC 4291, section 2.5.2).
 *
 * @module
 */
import { IpAddress, type IpVersion } from "../../stack/base/address.ts";

/** The wildcard address of each version. */
export const WILDCARDS: Readonly<Record<IpVersion, IpAddress>> = {
  4: IpAddress.parse("0.0.0.0"),
  6: IpAddress.parse("::"),
};

/** Whether an address is the wildcard of its version. */
export function isWildcard(address: IpAddress): boolean {
  return address.equals(WILDCARDS[address.version]);
}
