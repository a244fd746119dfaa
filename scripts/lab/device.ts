/**
 * The guest's device, made as scripts/RECIPES.md makes it.
 *
 * @module
 */
import type { Namespace } from "./namespace.ts";

/** A kind of device: Ethernet frames or plain IP packets, and its MTU in bytes. */
export interface DeviceKind {
  readonly mode: "tap" | "tun";
  readonly mtu: number;
  /** Packets that it queues until the program reads them; default 1000, as in the kernel. */
  readonly queue?: number;
}

/** The guest's addresses. */
export const GUEST = { v4: "10.0.2.100", v6: "fd00::100" } as const;
/** The program's. */
export const GATEWAY = { v4: "10.0.2.2", v6: "fd00::2" } as const;

/** Makes the device `tun0` with the guest's addresses and default routes. It stays when no process has it open. */
export async function makeDevice(guest: Namespace, kind: DeviceKind): Promise<void> {
  const via = (gateway: string) => kind.mode === "tap" ? `via ${gateway} dev tun0` : "dev tun0";
  await guest.ip(`
    tuntap add mode ${kind.mode} name tun0
    link set tun0 mtu ${kind.mtu} txqueuelen ${kind.queue ?? 1000} up
    address add ${GUEST.v4}/24 dev tun0
    address add ${GUEST.v6}/64 dev tun0 nodad
    route add 0.0.0.0/0 ${via(GATEWAY.v4)}
    route add ::/0 ${via(GATEWAY.v6)}`);
}
