import {
  type HostDatagramHandler,
  type HostDialHandler,
  HostError,
  type HostNetwork,
} from "../../../forward/host/host_network.ts";
import { gatewayRanges, LoopbackHost } from "../../../forward/host/loopback.ts";
import { type Endpoint, formatEndpoint, IpAddress } from "../../../stack/base/address.ts";
import { assertEquals } from "../../assert.ts";

const PAIRS = [
  { gateway: IpAddress.parse("10.0.2.2"), loopback: IpAddress.parse("127.0.0.1") },
  { gateway: IpAddress.parse("fd00::2"), loopback: IpAddress.parse("::1") },
];
const address = IpAddress.parse;
const at = (address: string, port = 7): Endpoint => ({ address: IpAddress.parse(address), port });

Deno.test("what is for the program's addresses goes to the loopback, and comes from them; the rest as it is", () => {
  const seen: string[] = [];
  let inner: HostDatagramHandler | undefined;
  const unused = () => {
    throw new Error("not called");
  };
  const host: HostNetwork = {
    dial: (remote) => {
      seen.push(`dial ${formatEndpoint(remote)}`);
      return { cancel: () => {} };
    },
    listen: unused,
    datagram: (local, handler) => {
      inner = handler;
      const send = (_bytes: Uint8Array, _offset: number, _length: number, to: Endpoint) => {
        seen.push(`send ${formatEndpoint(to)}`);
      };
      return { local, send, setPath: (limit, whole) => seen.push(`path ${limit} ${whole}`), close: () => {} };
    },
  };
  const loopback = new LoopbackHost(host, PAIRS);
  for (const address of ["10.0.2.2", "fd00::2", "192.0.2.1"]) {
    loopback.dial(at(address), { connected: unused, failed: unused });
  }
  const socket = loopback.datagram(at("0.0.0.0"), {
    received: (_bytes, _length, from) => seen.push(`from ${formatEndpoint(from)}`),
    failed: (_error, to, lost) =>
      seen.push(`failed ${to === null ? null : formatEndpoint(to)} says ${lost?.icmp?.from ?? null}`),
  });
  socket.send(new Uint8Array(1), 0, 1, at("10.0.2.2"));
  inner!.received(new Uint8Array(1), 1, at("127.0.0.1", 9), null);
  inner!.received(new Uint8Array(1), 1, at("192.0.2.1"), null);
  socket.setPath(7, true);
  const lost = (from: string) => ({ icmp: { type: 3, code: 3, from: address(from) }, mtu: 0, data, length: 1 });
  const error = new HostError("refused", "refused"), data = new Uint8Array(1);
  inner!.failed(error, at("127.0.0.1", 9), lost("127.0.0.1"));
  inner!.failed(error, at("::1", 9), lost("::1"));
  inner!.failed(error, at("192.0.2.1"), lost("192.0.2.9"));
  inner!.failed(error, at("127.0.0.1", 9), { icmp: null, mtu: 0, data, length: 1 });
  inner!.failed(error, at("127.0.0.1", 9), null);
  inner!.failed(error, null, null);
  assertEquals(seen, [
    ...["dial 127.0.0.1:7", "dial [::1]:7", "dial 192.0.2.1:7", "send 127.0.0.1:7"],
    ...["from 10.0.2.2:9", "from 192.0.2.1:7", "path 7 true"],
    ...["failed 10.0.2.2:9 says 10.0.2.2", "failed [fd00::2]:9 says fd00::2", "failed 192.0.2.1:7 says 192.0.2.9"],
    ...["failed 10.0.2.2:9 says null", "failed 10.0.2.2:9 says null", "failed null says null"],
  ]);
});

Deno.test("an ICMP error about a TCP connection to the loopback comes from the gateway", () => {
  let inner: HostDialHandler | undefined;
  const unused = () => {
    throw new Error("not called");
  };
  const host: HostNetwork = {
    dial: (_remote, handler) => {
      inner = handler;
      return { cancel: () => {} };
    },
    listen: unused,
    datagram: unused,
  };
  const seen: (string | null)[] = [];
  new LoopbackHost(host, PAIRS).dial(at("10.0.2.2"), {
    connected: unused,
    failed: (error) => seen.push(error instanceof HostError ? String(error.icmp?.from ?? null) : "another error"),
  });
  for (const from of [address("127.0.0.1"), address("::1"), address("192.0.2.9"), null]) {
    const error = new HostError("refused", "refused");
    error.icmp = { type: 3, code: 3, from };
    inner!.failed(error);
  }
  inner!.failed(new HostError("refused", "refused"));
  inner!.failed(new TypeError("a fault of the program"));
  assertEquals(seen, ["10.0.2.2", "fd00::2", "192.0.2.9", "null", "null", "another error"]);
});

Deno.test("the gateway's addresses are allowed on all ports, over TCP and UDP", () => {
  assertEquals(gatewayRanges(PAIRS).map(({ network, prefix }) => `${network} ${prefix.length}`), [
    ...["tcp 32", "udp 32", "tcp 128", "udp 128"],
  ]);
});
