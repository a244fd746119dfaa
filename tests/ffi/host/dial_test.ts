import { libc } from "../../../ffi/libc/libc.ts";
import { withNetworkNamespace } from "../../../ffi/network/netns.ts";
import { HostError, type HostFailure, type HostStream } from "../../../forward/host/host_network.ts";
import { formatEndpoint, IpAddress } from "../../../stack/base/address.ts";
import { assertEquals, assertFields, assertMatch, assertRejects } from "../../assert.ts";
import { dialled } from "../../forward/bed/dialled.ts";
import { IS_ROOT, NEEDS_ROOT, TestNamespace } from "../bed/namespace.ts";
import { newSockets, sockets } from "../bed/sockets.ts";
import { connectedPair, Conversation, endpoint, TestHost } from "../bed/test_host.ts";

libc();

Deno.test("dials are cancelled immediately, and too late", async () => {
  await using test = new TestHost();
  const before = sockets();
  const wanted = Promise.withResolvers<HostStream>();
  const ends: HostStream[] = [];
  const listener = test.host.listen(endpoint("127.0.0.1", 0), (stream) => {
    ends.push(stream); // the kernel may have connected the first one, too
    wanted.promise.then((client) => {
      if (formatEndpoint(stream.remote) === formatEndpoint(client.local)) return answer(stream);
    });
  });
  const answer = (stream: HostStream) => new Conversation(stream).write("still there");
  const heard: string[] = [];
  const failed = () => heard.push("failed");
  test.host.dial(listener.local, { connected: () => heard.push("connected"), failed }).cancel();
  const dial = test.host.dial(listener.local, { connected: wanted.resolve, failed });
  const client = await wanted.promise;
  dial.cancel();
  assertEquals(await new Conversation(client).read(), "still there"); // only the stream's user closes it
  assertEquals(heard, [], "the handler of a cancelled dial");
  for (const stream of [client, ...ends]) stream.close();
  listener.close();
  assertEquals(newSockets(before), []);
});

Deno.test("source addresses", async () => {
  await using test = new TestHost({ source4: IpAddress.parse("127.0.0.9"), source6: IpAddress.parse("::1") });
  for (const [address, source] of [["127.0.0.1", "127.0.0.9"], ["::1", "::1"]] as const) {
    const { client, server } = await connectedPair(test, address);
    assertEquals(server.remote.address.toString(), source);
    assertEquals(formatEndpoint(client.local), formatEndpoint(server.remote));
    client.close();
    server.close();
  }
  await using foreign = new TestHost({ source4: IpAddress.parse("192.0.2.9") });
  const error = await assertRejects(() => dialled(foreign.host, endpoint("127.0.0.1", 9)), HostError);
  assertFields(error, { failure: "resources", message: "connect to 127.0.0.1:9: cannot assign requested address" });
});

Deno.test({
  name: `dial errors follow the routes${NEEDS_ROOT}`,
  ignore: !IS_ROOT,
  fn: async () => {
    await using namespace = await TestNamespace.make(
      "link set lo up",
      "route add unreachable 192.0.2.0/25",
      "route add prohibit 192.0.2.128/26",
      "route add blackhole 192.0.2.192/26",
      "route add unreachable 2001:db8::/33",
      "route add prohibit 2001:db8:8000::/33",
    );
    await using test = new TestHost();
    const failures: [string, HostFailure][] = [
      ["198.51.100.1", "network-unreachable"],
      ["192.0.2.1", "host-unreachable"],
      ["192.0.2.129", "prohibited"],
      ["192.0.2.193", "network-unreachable"],
      ["2001:db8::1", "host-unreachable"],
      ["2001:db8:8000::1", "prohibited"],
      ["2002::1", "network-unreachable"],
    ];
    for (const [address, failure] of failures) {
      const dialing = withNetworkNamespace(
        namespace.path,
        () => ({ outcome: dialled(test.host, endpoint(address, 80)) }),
      );
      const error = await assertRejects(() => dialing.outcome, HostError);
      assertEquals(error.failure, failure, address);
    }
  },
});

Deno.test({
  name: `a host that does not answer is reported as unreachable${NEEDS_ROOT}`,
  ignore: !IS_ROOT,
  fn: async () => {
    await using namespace = await TestNamespace.make(
      "link set lo up",
      "link add d0 type veth peer name d1",
      "addr add 192.0.2.1/24 dev d0",
      "link set d0 up",
      "link set d1 up",
    );
    await namespace.command(
      "sysctl",
      "-qw",
      "net.ipv4.neigh.d0.mcast_solicit=1",
      "net.ipv4.neigh.d0.retrans_time_ms=50",
    )
      .output();
    await using test = new TestHost();
    const dialing = withNetworkNamespace(
      namespace.path,
      () => ({ outcome: dialled(test.host, endpoint("192.0.2.7", 80)) }),
    );
    const error = await assertRejects(() => dialing.outcome, HostError);
    assertEquals(error.failure, "host-unreachable");
    assertMatch(error.message, /^connect to 192\.0\.2\.7:80: no route to host$/);
  },
});
