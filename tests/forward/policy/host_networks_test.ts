import { assert, assertEquals } from "../../assert.ts";
import { HostNetworks } from "../../../forward/policy/host_networks.ts";
import { IpAddress } from "../../../stack/base/address.ts";

const ROUTE = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t0007A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
`;
const FIB_TRIE = `Local:
     |-- 192.168.9.1
        /32 host LOCAL
`;
const IPV6_ROUTE = "fd770000000000000000000000000000 40 00000000000000000000000000000000 00 " +
  "00000000000000000000000000000000 00000100 00000003 00000000 00000001       d0\n";
const IF_INET6 = "fe80000000000000e4ffc3fffeffba4b 03 40 20 c0       d0\n";

/** A host whose files can be changed and whose clock stands still. */
class FakeHost {
  now = 5000;
  reads = 0;
  readonly files = new Map([
    ["/proc/thread-self/net/route", ROUTE],
    ["/proc/thread-self/net/fib_trie", FIB_TRIE],
    ["/proc/thread-self/net/ipv6_route", IPV6_ROUTE],
    ["/proc/thread-self/net/if_inet6", IF_INET6],
  ]);
  readonly networks = new HostNetworks({
    now: () => this.now,
    read: (path) => {
      this.reads++;
      const text = this.files.get(path);
      if (text === undefined) throw new Deno.errors.NotFound(path);
      return text;
    },
  });

  set(name: string, text: string | null): void {
    if (text === null) this.files.delete(`/proc/thread-self/net/${name}`);
    else this.files.set(`/proc/thread-self/net/${name}`, text);
  }

  has(address: string): boolean {
    return this.networks.contains(IpAddress.parse(address));
  }
}

Deno.test("addresses and routes of both families are the host's", () => {
  const host = new FakeHost();
  for (const own of ["192.168.7.77", "192.168.9.1", "fd77::5", "fe80::e4ff:c3ff:feff:ba4b"]) assert(host.has(own), own);
  for (const other of ["192.168.8.1", "192.168.9.2", "fd78::5", "fe80::1"]) assert(!host.has(other), other);
  for (const version of [4, 6] as const) assertEquals(host.networks.failure(version), null, `IPv${version}`);
});

Deno.test("nothing is read before the first question, and at most once a second", () => {
  const host = new FakeHost();
  assertEquals(host.reads, 0);
  host.has("192.0.2.1");
  assertEquals(host.reads, 4);
  host.set("fib_trie", FIB_TRIE.replace("192.168.9.1", "192.0.2.1"));
  host.now += 999;
  assert(!host.has("192.0.2.1"));
  assertEquals(host.reads, 4);
  host.now += 1;
  assert(host.has("192.0.2.1"));
  assert(!host.has("192.168.9.1"));
  assertEquals(host.reads, 8);
  host.networks.refresh();
  host.has("192.0.2.1");
  assertEquals(host.reads, 12);
});

Deno.test("a reading that fails leaves the last good one, and is tried again a second later", () => {
  const host = new FakeHost();
  host.has("192.0.2.1");
  host.set("route", null);
  host.set("if_inet6", "nonsense\n");
  host.now += 1000;
  assert(host.has("192.168.7.77") && !host.has("192.0.2.1"));
  assert(host.has("fd77::5") && !host.has("2001:db8::1"));
  assertEquals(host.networks.failure(4), "/proc/thread-self/net/route");
  assertEquals(host.networks.failure(6), 'unexpected line in /proc/net/if_inet6: "nonsense"');
  const { reads } = host;
  host.has("192.0.2.1");
  assertEquals(host.reads, reads);
  host.set("route", "");
  host.now += 1000;
  assert(!host.has("192.168.7.77"));
  assertEquals(host.networks.failure(4), null);
});

Deno.test("a family that could never be read is closed as a whole, the other is not", () => {
  const host = new FakeHost();
  host.set("ipv6_route", null);
  assert(host.has("2001:db8::1") && host.has("fd77::5"));
  assert(!host.has("192.0.2.1"));
  const blind = new FakeHost();
  blind.set("fib_trie", null);
  assert(blind.has("192.0.2.1"), "routes alone don't say which addresses are the host's");
});

Deno.test("the tables of this machine can be read", () => {
  const networks = new HostNetworks({ read: Deno.readTextFileSync, now: () => performance.now() });
  assert(networks.contains(IpAddress.parse("127.0.0.1")));
  assertEquals(networks.failure(4), null);
  for (const { address, family } of Deno.networkInterfaces()) {
    const shown = address.replace(/%.*$/, "");
    assert(networks.contains(IpAddress.parse(shown)), `${family} ${shown} is the host's`);
  }
});
