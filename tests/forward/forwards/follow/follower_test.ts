import { PortFollower } from "../../../../forward/forwards/follow/follower.ts";
import { listeningSockets } from "../../../../forward/forwards/follow/listening.ts";
import { written } from "../../../../forward/forwards/setup.ts";
import { HostError } from "../../../../forward/host/host_network.ts";
import type { FollowedNetwork } from "../../../../forward/syntax/followed_network.ts";
import { type ForwardSpec, networkName } from "../../../../forward/syntax/forward_spec.ts";
import { IpAddress, type IpVersion } from "../../../../stack/base/address.ts";
import { assertEquals } from "../../../assert.ts";

const HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
const REST = " 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0\n";
const WILD4 = "00000000", LOOP4 = "0100007F", GUEST4 = "0702000A", WILD6 = "0".repeat(32);

function row(address: string, port: number, state = "0A"): string {
  const zero = "0".repeat(address.length);
  return `   0: ${address}:${port.toString(16).toUpperCase().padStart(4, "0")} ${zero}:0000 ${state}${REST}`;
}

Deno.test("listening sockets, from /proc/net", () => {
  const show = (text: string, network: "tcp" | "udp") =>
    listeningSockets(text, network).map(({ address, port }) => `${address} ${port}`);
  const tcp = HEAD + row(WILD4, 80) + row(LOOP4, 8080) + row(GUEST4, 40_000, "01") + row(WILD4, 81);
  assertEquals(show(tcp, "tcp"), ["0.0.0.0 80", "127.0.0.1 8080"], "TCP: those that listen come first");
  const tcp6 = HEAD + row("B80D0120000000000000000001000000", 443) + row("0000000000000000FFFF00000100007F", 5);
  assertEquals(show(tcp6, "tcp"), ["2001:db8::1 443", "127.0.0.1 5"], "TCP over IPv6");
  const udp = HEAD + row(GUEST4, 53, "01") + row(WILD4, 53, "07");
  assertEquals(show(udp, "udp"), ["0.0.0.0 53"], "UDP: those with a peer are left out");
  assertEquals(show("", "tcp"), [], "nothing");
});

/** A guest's lists, and the table of forwards, whose ports `taken` are in use. */
class Bed {
  readonly texts: Record<string, string> = {};
  readonly taken = new Set<number>();
  readonly forwards = new Map<number, string>();
  readonly follower: PortFollower;
  private ids = 0;

  constructor(...networks: readonly FollowedNetwork[]) {
    this.follower = new PortFollower({
      networks,
      guests: { 4: IpAddress.parse("10.0.2.7"), 6: IpAddress.parse("2001:db8::7") },
      read: (network, version) => HEAD + (this.texts[`${network}${version}`] ?? ""),
      clientPorts: [32_768, 60_999],
      table: {
        add: (_side, spec) => this.add(spec),
        remove: (id) => this.forwards.delete(id),
      },
    });
  }

  async look(texts: Record<string, string>): Promise<string[]> {
    Object.assign(this.texts, texts);
    await this.follower.look();
    return [...this.forwards.values()].sort();
  }

  private add(spec: ForwardSpec): Promise<{ id: number }> {
    const { bind, target } = spec;
    if (this.taken.has(bind.port)) return Promise.reject(new HostError("other", "address already in use"));
    this.forwards.set(++this.ids, `${networkName(spec)} ${written(bind)} ${written(target)}`);
    return Promise.resolve({ id: this.ids });
  }
}

function all(network: "tcp" | "udp", excluded: readonly number[] = [], address: string | null = null): FollowedNetwork {
  return {
    network,
    address: address === null ? null : IpAddress.parse(address),
    excludes: (port) => excluded.includes(port),
  };
}

Deno.test("forwards follow what listens in the guest", async () => {
  const bed = new Bed(all("tcp", [81]));
  assertEquals(await bed.look({}), [], "nothing listens");
  assertEquals(await bed.look({ tcp4: row(WILD4, 80) + row(LOOP4, 82) + row(WILD4, 81) }), [
    "tcp 0.0.0.0:80 10.0.2.7:80",
  ], "neither its loopback nor an excluded port");
  assertEquals(await bed.look({ tcp4: "", tcp6: row(WILD6, 443) }), [
    "tcp 0.0.0.0:443 10.0.2.7:443",
    "tcp [::]:443 [2001:db8::7]:443",
  ], "IPv6 takes IPv4 too, and what has ended is removed");
  assertEquals(await bed.look({ tcp4: row(GUEST4, 90), tcp6: "" }), ["tcp 0.0.0.0:90 10.0.2.7:90"], "its own address");
  assertEquals(await bed.look({ tcp4: row("0100A8C0", 91), tcp6: "" }), [], "an address that is not the guest's");
});

Deno.test("forwards follow: a taken port is tried again, a forward that stays is not set up again", async () => {
  const bed = new Bed(all("tcp"));
  bed.taken.add(80);
  assertEquals(await bed.look({ tcp4: row(WILD4, 80) + row(WILD4, 70) }), ["tcp 0.0.0.0:70 10.0.2.7:70"], "taken");
  bed.taken.clear();
  await bed.look({});
  assertEquals([...bed.forwards.keys()], [1, 2], "the first one stays as it is");
});

Deno.test("forwards follow: UDP without the ports of clients; an address to listen on", async () => {
  const bed = new Bed(all("udp"));
  const texts = { udp4: row(WILD4, 53, "07") + row(WILD4, 40_000, "07") + row(WILD4, 61_000, "07") };
  assertEquals(await bed.look(texts), ["udp 0.0.0.0:53 10.0.2.7:53", "udp 0.0.0.0:61000 10.0.2.7:61000"]);
  const bound = new Bed(all("tcp", [], "127.0.0.1"));
  assertEquals(await bound.look({ tcp6: row(WILD6, 80) }), ["tcp 127.0.0.1:80 10.0.2.7:80"], "its IP version only");
});

Deno.test("forwards follow: the reader is asked for each network and version", async () => {
  const asked: string[] = [];
  const read = (network: string, version: IpVersion) => {
    asked.push(`${network}${version}`);
    return "";
  };
  const table = { add: () => Promise.reject(new Error("nothing to add")), remove: () => false };
  const guests = { 4: IpAddress.parse("10.0.2.7"), 6: null };
  const networks = [all("tcp"), all("udp")];
  await new PortFollower({ networks, guests, read, table, clientPorts: [1, 2] }).look();
  assertEquals(asked, ["tcp4", "tcp6", "udp4", "udp6"], "a guest without IPv6 may still listen on its wildcard");
});
