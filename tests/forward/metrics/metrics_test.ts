import { renderMetrics } from "../../../forward/metrics/metrics.ts";
import { assert, assertEquals } from "../../assert.ts";
import { isInstalled, needs } from "../../e2e/bed/installed.ts";
import { endpoint } from "../bed/fakes.ts";
import { FakeSource } from "./fake_source.ts";

/** The values by name and labels. */
function samples(text: string): Map<string, string> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), line.slice(line.lastIndexOf(" ") + 1)]));
}

Deno.test("each figure under its name", () => {
  const source = new FakeSource();
  const { counters } = source.stack;
  counters.link.notForUs = 51;
  counters.ipv4.badChecksum = 52;
  counters.ipv6.extensions = 53;
  counters.ipv6.reassemblyEvicted = 54;
  counters.icmp.errorsLimited = 55;
  counters.udp.tooLarge = 56;
  counters.tcp.overflows = 57;
  counters.tcp.retransmissions = 58;
  counters.tcp.resetsOut = 59;
  counters.tcp.accepted = 60;
  counters.ipv4.fragmentsIn = 61;
  counters.ipv6.fragmentsIn = 100;
  counters.udp.datagramsOut = 62;
  const { routedTcp, routedUdp, localTcp } = source.meters;
  const ends = {
    guest: endpoint("10.0.2.100:1"),
    guestPeer: endpoint("192.0.2.1:80"),
    host: endpoint("198.51.100.1:2"),
    hostPeer: endpoint("192.0.2.1:80"),
  };
  routedTcp.opened(ends);
  routedTcp.failed("refused");
  routedUdp.opened(ends);
  routedUdp.done(ends, "expired");
  localTcp.failed("timeout");
  source.dns.inFlight = 63;
  source.dns.outcomes.udp.nxdomain = 64;
  source.dns.outcomes.tcp.timeout = 65;
  const found = samples(renderMetrics(source));
  const expected = {
    'slirpnetstack_build_info{version="1.2.3"}': "1",
    'slirpnetstack_open_flows{kind="routed",network="tcp"}': "1",
    'slirpnetstack_open_flows{kind="routed",network="udp"}': "0",
    'slirpnetstack_connections_opened_total{kind="routed",network="tcp"}': "1",
    'slirpnetstack_connections_total{kind="routed",network="tcp",outcome="refused"}': "1",
    'slirpnetstack_connections_total{kind="routed",network="tcp",outcome="ok"}': "0",
    'slirpnetstack_connections_total{kind="routed",network="tcp",outcome="denied"}': "10",
    'slirpnetstack_connections_total{kind="local-fwd",network="tcp",outcome="denied"}': "0",
    'slirpnetstack_connections_total{kind="local-fwd",network="tcp",outcome="timeout"}': "1",
    'slirpnetstack_connections_total{kind="routed",network="udp",outcome="expired"}': "1",
    'slirpnetstack_udp_associations{kind="routed"}': "0",
    'slirpnetstack_udp_associations_opened_total{kind="routed"}': "1",
    'slirpnetstack_udp_associations_expired_total{kind="routed"}': "1",
    'slirpnetstack_udp_associations_evicted_total{kind="routed"}': "0",
    'slirpnetstack_policy_denials_total{network="tcp",rule="host"}': "3",
    'slirpnetstack_policy_denials_total{network="udp",rule="deny"}': "5",
    "slirpnetstack_dns_questions": "63",
    'slirpnetstack_dns_questions_total{network="udp",outcome="nxdomain"}': "64",
    'slirpnetstack_dns_questions_total{network="udp",outcome="noerror"}': "0",
    'slirpnetstack_dns_questions_total{network="tcp",outcome="timeout"}': "65",
    'slirpnetstack_device_packets_total{direction="from_guest"}': "11",
    'slirpnetstack_device_packets_total{direction="to_guest"}': "14",
    'slirpnetstack_device_bytes_total{direction="from_guest"}': "12000000000",
    'slirpnetstack_drops_total{layer="device",reason="unreadable"}': "13",
    'slirpnetstack_drops_total{layer="device",reason="not_taken"}': "16",
    'slirpnetstack_drops_total{layer="link",reason="not_for_us"}': "51",
    'slirpnetstack_drops_total{layer="ipv4",reason="checksum"}': "52",
    'slirpnetstack_drops_total{layer="ipv6",reason="extensions"}': "53",
    'slirpnetstack_drops_total{layer="ipv6",reason="reassembly_evicted"}': "54",
    'slirpnetstack_drops_total{layer="icmp",reason="error_rate_limit"}': "55",
    'slirpnetstack_drops_total{layer="udp",reason="too_large"}': "56",
    'slirpnetstack_drops_total{layer="tcp",reason="overflow"}': "57",
    "slirpnetstack_tcp_retransmissions_total": "58",
    'slirpnetstack_tcp_resets_total{direction="to_guest"}': "59",
    'slirpnetstack_tcp_established_total{initiator="guest"}': "60",
    'slirpnetstack_ip_fragments_total{direction="from_guest"}': "161",
    'slirpnetstack_udp_datagrams_total{direction="to_guest"}': "62",
    "slirpnetstack_tcp_connections": "21",
    "slirpnetstack_tcp_half_open_connections": "22",
    "slirpnetstack_tcp_waiting_requests": "23",
    "slirpnetstack_tcp_time_wait_connections": "24",
    "slirpnetstack_reassembly_datagrams": "25",
    "slirpnetstack_buffer_bytes": "26",
    "slirpnetstack_frames": "27",
    'slirpnetstack_limit_current{resource="dials"}': "71",
    'slirpnetstack_limit_max{resource="dials"}': "72",
    'slirpnetstack_limit_overflows_total{resource="dials"}': "73",
    'slirpnetstack_limit_current{resource="descriptors"}': "31",
    'slirpnetstack_limit_max{resource="descriptors"}': "+Inf",
    "slirpnetstack_capture_packets_total": "41",
    "slirpnetstack_capture_dropped_packets_total": "42",
    'slirpnetstack_dropped_lines_total{output="stdout"}': "43",
    'slirpnetstack_dropped_lines_total{output="stderr"}': "44",
    'slirpnetstack_event_loop_delay_seconds_bucket{le="0.5"}': "5",
    "slirpnetstack_event_loop_delay_seconds_count": "6",
    "process_cpu_seconds_total": "1.25",
    "process_resident_memory_bytes": "50000000",
    "process_open_fds": "31",
    "process_max_fds": "+Inf",
    "process_start_time_seconds": "1700000000.5",
  };
  for (const [name, value] of Object.entries(expected)) assertEquals(found.get(name), value, name);
  assert(![...found.keys()].some((name) => name.includes('outcome="expired"') && name.includes('network="tcp"')));
});

Deno.test("each metric has HELP and TYPE, once, before its samples; no sample is there twice", () => {
  const text = renderMetrics(new FakeSource());
  const named = new Set<string>();
  let current = "";
  for (const line of text.trimEnd().split("\n")) {
    const [, what, name] = /^# (HELP|TYPE) (\S+) \S/.exec(line) ?? [];
    if (what === "HELP") {
      assert(!named.has(name!), `${name} is there twice`);
      named.add(current = name!);
    } else if (what === "TYPE") assertEquals(name, current);
    else assert(line.startsWith(current), line);
  }
  const lines = text.split("\n").filter((line) => !line.startsWith("#"));
  assertEquals(samples(text).size, lines.length - 1);
});

Deno.test("metrics without a capture, and without figures of the system", () => {
  const source = new FakeSource();
  source.capture = null;
  source.process = null;
  assert(!/_capture_|^process_/m.test(renderMetrics(source)));
});

Deno.test({
  name: `promtool finds no fault in it${needs("promtool")}`,
  ignore: !isInstalled("promtool"),
  async fn() {
    const promtool = new Deno.Command("promtool", { args: ["check", "metrics"], stdin: "piped", stdout: "piped" });
    await using process = promtool.spawn();
    const writer = process.stdin.getWriter();
    await writer.write(new TextEncoder().encode(renderMetrics(new FakeSource())));
    await writer.close();
    const { code, stdout } = await process.output();
    assertEquals(new TextDecoder().decode(stdout), "", "stdout of promtool");
    assertEquals(code, 0, "exit status of promtool");
  },
});
