/**
 * Pings of addresses that stand for addresses of the host go to these. The guest gets the answers from where it pinged.
 *
 * @module
 */
import type { IpAddress } from "../../stack/base/address.ts";
import type { PingSender } from "./pings.ts";

/** The sender with destinations as `toHost` has them. */
export function mappedPings(sender: PingSender, toHost: (address: IpAddress) => IpAddress): PingSender {
  return {
    get waitingUsage() {
      return sender.waitingUsage;
    },
    get flowsUsage() {
      return sender.flowsUsage;
    },
    send: (destination, ...rest) => sender.send(toHost(destination), ...rest),
    sweep: () => sender.sweep(),
    close: () => sender.close(),
  };
}
