/**
 * A guarded connection between a guest and a host that the test plays.
 *
 * @module
 */
import type { EndReport } from "../../../forward/report/end_report.ts";
import type { FlowVerdict } from "../../../forward/report/verdicts.ts";
import type { ShownKind } from "../../../forward/policy/names/demand.ts";
import { HeldBytes } from "../../../forward/gate/held_bytes.ts";
import { FlowGate } from "../../../forward/gate/gate.ts";
import { HELD_MS } from "../../../forward/limits/timeouts.ts";
import { ConnectionCount } from "../../../forward/tcp/connection_count.ts";
import { Dials } from "../../../forward/tcp/dials.ts";
import { OutgoingFlows } from "../../../forward/tcp/outgoing.ts";
import { assert, assertEquals, assertMatch } from "../../assert.ts";
import { FakeHost } from "../bed/fake_host.ts";
import { FakeRequest, FakeScheduler, FakeStream, settled } from "../bed/fakes.ts";
import { clientHello, records } from "../../../scripts/lab/hello.ts";

/** The characters of these bytes. */
export const text = (bytes: readonly number[]): string => bytes.map((byte) => String.fromCharCode(byte)).join("");
/** The bytes of a text in Latin-1. */
export const bytesOf = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(text, (char) => char.charCodeAt(0));

/** The alert access_denied, fatal. */
export const ALERT: readonly number[] = [21, 3, 3, 0, 2, 2, 49];

/** A connection whose host has answered, and whose rule wants `shows` of example.com. */
export async function connect(shows: ShownKind, maxHeld = 100_000) {
  const scheduler = new FakeScheduler();
  const host = new FakeHost();
  const connections = new ConnectionCount(10);
  const flows = new OutgoingFlows({ dials: new Dials(host, scheduler), connections, scheduler });
  const held = new HeldBytes(maxHeld), gate = new FlowGate(scheduler, held);
  const verdicts: FlowVerdict[] = [], ends: string[] = [];
  const request = new FakeRequest();
  connections.take();
  const observer = {
    opened: () => {},
    done: (_guest: unknown, _local: unknown, _remote: unknown, report: EndReport) => void ends.push(`${report}`),
    failed: () => {},
  };
  const demand = { name: "example.com", shows, rule: "the rule", ech: false };
  const rawRule = "tcp://example.com:80";
  flows.dial(request, request.local, observer, { gate, demand, rawRule, judged: (one) => verdicts.push(one) });
  const stream = new FakeStream(() => true);
  host.dials[0].answer.resolve(stream);
  await settled();
  const { flow } = request;
  return {
    ...{ scheduler, held, flows, connections, verdicts, ends, flow, stream },
    /** What the host has received. */
    toHost: () => text(stream.fromGuest),
    /** What the guest has received. */
    toGuest: () => text(flow.toGuest),
    /** The reason of the only verdict; "allowed". */
    verdict: () => verdicts.length === 1 ? verdicts[0].refusal ?? "allowed" : `${verdicts.length} verdicts`,
    /** Lets pass what was put off. */
    run: () => {
      for (let i = 0; i < 10 && scheduler.deferredCount > 0; i++) scheduler.runDeferred();
    },
  };
}

/** The result of {@linkcode connect}. */
export type Connection = Awaited<ReturnType<typeof connect>>;

/** The connection was refused: nothing has reached the host, which has been let go, and the guest has been told. */
export function assertTurnedAway(
  { stream, flow, connections, run, toHost, scheduler }: Connection,
  words: RegExp | null,
) {
  run();
  assertEquals(toHost(), "", "what the host received");
  assert(stream.isClosed, "the host's side is closed");
  if (words === null) assertEquals(flow.aborts, 1, "the guest is reset");
  else {
    assertMatch(text(flow.toGuest), words);
    assertEquals(flow.shutdowns, 1, "FIN follows");
    assertEquals(connections.size, 1, "it is counted while the guest is told");
    flow.ends(null);
  }
  assertEquals(connections.size, 0, "connections");
  scheduler.advance(2 * HELD_MS);
}

/** The alert, alone. */
export const ALERTED: RegExp = new RegExp(`^${text(ALERT)}$`);
/** A ClientHello for example.com. */
export const HELLO: Uint8Array = records(clientHello());

/** A GET request. */
export const get = (host: string, fields = ""): string => `GET / HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n`;

/** The beginning of the answer to a refused request. */
export const FORBIDDEN: RegExp = /^HTTP\/1\.1 403 Forbidden\r\n/;
