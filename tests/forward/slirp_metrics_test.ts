import { NameTable } from "../../forward/metrics/names/name_table.ts";
import { NO_OBSERVERS } from "../../forward/report/flow_observers.ts";
import { FlowMeter } from "../../forward/metrics/flows/flow_meter.ts";
import { meteredFlowObserver } from "../../forward/metrics/flows/metered_observers.ts";
import { renderMetrics } from "../../forward/metrics/metrics.ts";
import { SlirpSource } from "../../forward/slirp_metrics.ts";
import { allocatePlain, type Device, FramePool } from "../../stack/base/device.ts";
import { Stack } from "../../stack/stack.ts";
import { hex, ipv4 } from "../../scripts/lab/packets.ts";
import { assertEquals, assertStringIncludes } from "../assert.ts";
import { endpoint } from "./bed/fakes.ts";

Deno.test("figures of a running stack", () => {
  const frames = new FramePool(allocatePlain);
  const device: Device = {
    medium: "ip",
    mtu: 1500,
    checksumOffload: true,
    tcpSegmentation4: true,
    tcpSegmentation6: true,
    udpSegmentation: false,
    transmit: () => true,
  };
  const meter = new FlowMeter("routed", "tcp");
  const observer = meteredFlowObserver(NO_OBSERVERS.routedTcp, meter);
  const handler = { established() {}, readable() {}, writable() {}, closed() {} };
  const stack = new Stack({
    device,
    frames,
    allocate: allocatePlain,
    clock: () => 0,
    random: () => 4,
    handlers: {
      tcpRequest: (request) => {
        observer.opened(request.guest, endpoint("198.51.100.1:5000"), request.local);
        request.accept(handler);
      },
      udp: () => {},
    },
  });
  const none = { current: 0, limit: 1, overflows: 0 };
  const usage = () => ({
    ...stack.usage,
    tcpConnections: none,
    dials: none,
    udpAssociations: none,
    udpClients: none,
    dnsQuestions: none,
    names: none,
    newNames: none,
    heldBytes: none,
    pings: none,
    pingIdentifiers: none,
    forwards: none,
    listedNames: none,
  });
  const source = new SlirpSource({
    version: "1",
    device: { framesIn: 1, bytesIn: 2, dropsIn: 3, framesOut: 4, bytesOut: 5, dropsOut: 6 },
    ...{
      frames,
      stack,
      usage,
      meters: [meter],
      names: new NameTable(1, false),
      denials: { tcp: { deny: 0 } },
      dns: null,
      capture: null,
    },
    lines: { stdout: { dropped: 0 }, stderr: { dropped: 0 } },
    eventLoopDelay: { bounds: [1], counts: [0, 0], sum: 0 },
    process: { read: () => "", openDescriptors: () => 0 },
  });
  const syn = frames.take();
  const packet = ipv4({ protocol: 6 }, hex("9c40 0050 00000001 00000000 5002 ffff 0000 0000"));
  syn.bytes.set(packet, syn.start);
  syn.end = syn.start + packet.length;
  syn.checksumTrusted = true;
  stack.receive(syn);
  stack.flush();
  const { connections, halfOpen, timeWaiting, reassembling, frames: taken } = source.stack;
  assertEquals(connections, 1, "connections");
  assertEquals(halfOpen, 1, "half-open connections");
  assertEquals(timeWaiting, 0, "connections in TIME-WAIT");
  assertEquals(reassembling, 0, "datagrams that wait for fragments");
  assertEquals(taken, 1, "frame buffers in use");
  const [row, ...others] = source.flows();
  assertEquals(others, []);
  assertEquals(row?.state, "SYN-RECEIVED", "state");
  assertEquals(row?.guest, "10.0.2.100:40000", "guest");
  assertEquals(row?.destination, "198.51.100.7:80", "destination");
  assertEquals(row?.bytes_from_guest, 0, "bytes from the guest");
  assertEquals(row?.buffered_bytes, 0, "buffered bytes");
  const text = renderMetrics(source);
  assertStringIncludes(text, 'slirpnetstack_tcp_segments_total{direction="from_guest"} 1\n');
  assertStringIncludes(text, 'slirpnetstack_open_flows{kind="routed",network="tcp"} 1\n');
  assertEquals(/^process_|_dns_/m.test(text), false);
  assertStringIncludes(text, 'slirpnetstack_limit_current{resource="half_open"} 1\n');
  assertStringIncludes(text, 'slirpnetstack_limit_max{resource="buffered_bytes"} 536870912\n');
  stack.close();
});
