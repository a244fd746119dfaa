import { seqAdd, seqDiff } from "../../../../stack/tcp/numbers/sequence.ts";
import { assert, assertEquals } from "../../../assert.ts";
import { Peer } from "../bed/peer.ts";
import { User } from "../bed/simulation.ts";

Deno.test("a peer that discards data it had selectively acknowledged, and answers every retransmission: RFC 2018, section 8", () => {
  const peer = new Peer({ sack: true, mss: 1000 });
  const user = new User(10_000);
  user.closing = false;
  peer.opened(user);
  user.attach(user.flow);
  peer.pass(0);
  const sent = peer.take().filter(({ length }) => length > 0);
  const una = sent[0].sequence;
  assert(sent.length >= 6, `${sent.length} segments`);
  const at = (segments: number) => seqAdd(una, 1000 * segments);
  // the second and third have come, the first has not; then the first comes, and the others are gone
  peer.ack({ acknowledgment: una, sack: [[at(1), at(3)]] });
  peer.ack({ acknowledgment: at(1) });
  let next = at(1);
  for (let round = 0; round < 60 && next !== at(10); round++) {
    peer.pass(1000);
    for (const { sequence, length } of peer.take()) {
      if (sequence === next) next = seqAdd(next, length);
      if (length > 0) peer.ack({ acknowledgment: next });
    }
  }
  assertEquals(seqDiff(next, una), 10_000);
});
