/**
 * Challenges, timestamps and window scaling by the RFCs: the segments that are accepted. script.ts describes the language of the lines.
 *
 * @module
 */
import { type Case, OPEN, openAt, testCases } from "../bed/script.ts";

/** Just less than 24 days (2,073,600 s) without an acceptable segment, but with enough to keep the connection. */
const DAYS = Array.from({ length: 2468 }, () => ["+ 840000", "< . 1 ack 1 val 99", "> . 1 ack 1"]).flat();

const CASES: readonly Case[] = [
  // RFC 5961
  {
    rfc: "5961 7",
    what: "a hundred challenges a second, whatever segments they answer",
    steps: [
      ...OPEN,
      ...Array.from({ length: 50 }, () => ["< R 2", "> . 1 ack 1", "< . 1 ack 9", "> . 1 ack 1"]).flat(),
      "< S 5",
      "< R 2",
      "< . 1 ack 2",
      "= ESTABLISHED",
      "+ 1000",
      "< S 5",
      "> . 1 ack 1",
    ],
  },
  {
    rfc: "5961 5.2",
    what: "an acknowledgment just within the largest window, with data, is accepted; one less is not",
    steps: [
      ...OPEN,
      "< P. 1:11 ack -65534",
      "got 10",
      "< P. 11:21 ack -65535",
      "> . 1 ack 11",
      "got 10",
      "= ESTABLISHED",
    ],
  },

  // RFC 7323
  {
    rfc: "7323 5.3",
    what: "PAWS: an older timestamp is acknowledged and dropped, an equal one is accepted",
    options: { timestamps: true },
    steps: [
      ...openAt(100),
      "< P. 1:11 ack 1 val 99",
      "> . 1 ack 1 ecr 100",
      "got 0",
      "< P. 1:11 ack 1 val 100",
      "got 10",
    ],
  },
  {
    rfc: "7323 5.3",
    what: "PAWS across the wrap of timestamps, both ways",
    options: { timestamps: true },
    steps: [
      ...openAt(-6001), // 2^32 - 1 on the wire
      "< P. 1:11 ack 1 val -5999",
      "got 10",
      "+ 10",
      "> . 1 ack 11 ecr -5999",
      "< P. 11:21 ack 1 val -6001",
      "> . 1 ack 11 ecr -5999",
      "got 10",
    ],
  },
  {
    rfc: "7323 5.3",
    what: "PAWS around the middle of the range, where the sign changes",
    options: { timestamps: true },
    steps: [
      ...openAt(2 ** 31 - 6001),
      "< P. 1:11 ack 1 val 2147477649",
      "got 10",
      "< P. 11:21 ack 1 val 2147477646",
      "> . 1 ack 11 ecr 2147477649",
      "got 10",
    ],
  },
  {
    rfc: "7323 5.3",
    what: "RST is exempt from PAWS",
    options: { timestamps: true },
    steps: [...openAt(100), "< R 1 val 5", "= GONE", "end reset"],
  },
  {
    rfc: "7323 5.3",
    what: "an old timestamp outside the window does not cause a second challenge",
    options: { timestamps: true },
    steps: [...openAt(100), "< . 99999 ack 1 val 99", "> . 1 ack 1", "< . 99999 ack 1 val 99", "= ESTABLISHED"],
  },
  {
    rfc: "7323 5.5",
    what: "after 24 days without an acceptable segment any timestamp is accepted",
    options: { timestamps: true },
    steps: [
      ...openAt(100),
      ...DAYS,
      "+ 479999",
      "< P. 1:11 ack 1 val 50",
      "> . 1 ack 1 ecr 100",
      "got 0",
      "+ 1",
      "< P. 1:11 ack 1 val 50",
      "got 10",
      "+ 10",
      "> . 1 ack 11 ecr 50",
    ],
  },
  {
    rfc: "7323 4.3",
    what: "the echoed timestamp is that of the segment that advanced the window, not of one out of order",
    options: { timestamps: true, sack: true },
    steps: [
      ...openAt(100),
      "< P. 11:21 ack 1 val 110",
      "> . 1 ack 1 ecr 100 sack 11-21",
      "< P. 1:11 ack 1 val 105",
      "> . 1 ack 21 ecr 105 sack none",
      "got 20",
    ],
  },
  {
    rfc: "7323 4.3",
    what: "a delayed acknowledgment echoes the first timestamp",
    options: { timestamps: true },
    steps: [
      ...openAt(100),
      "< P. 1:11 ack 1 val 101",
      "< P. 11:21 ack 1 val 102",
      "+ 10",
      "> . 1 ack 21 ecr 101",
    ],
  },
  {
    rfc: "7323 5.2, 5961 5.2",
    what: "a blind segment with a future timestamp does not make the guest's own timestamps old",
    options: { timestamps: true },
    steps: [
      ...openAt(100),
      "< P. 1:11 ack 99999 val 1000000",
      "> . 1 ack 1 ecr 100",
      "< P. 1:11 ack 1 val 101",
      "got 10",
    ],
  },
  {
    rfc: "7323 3.2",
    what: "a segment without agreed timestamps is dropped, unless it is RST",
    options: { timestamps: true },
    steps: [...openAt(100), "< P. 1:11 ack 1 val none", "got 0", "= ESTABLISHED", "< R 1 val none", "end reset"],
  },
  {
    rfc: "7323 2.3",
    what: "a window shift over 14 counts as 14",
    options: { shift: 200 },
    steps: ["< S 0 win 0", "> S. 0 ack 1 wscale 7", "< . 1 ack 1 win 0", "send 20000", "< . 1 ack 1 win 1", ...[
      "> . 1:1461 ack 1",
      "> . 1461:2921 ack 1",
      "> . 2921:4381 ack 1",
      "> . 4381:5841 ack 1",
      "> . 5841:7301 ack 1",
      "> . 7301:8761 ack 1",
      "> . 8761:10221 ack 1",
      "> . 10221:11681 ack 1",
      "> . 11681:13141 ack 1",
      "> . 13141:14601 ack 1",
    ]],
  },
  {
    rfc: "7323 2.2",
    what: "the window of SYN itself is never scaled",
    options: { shift: 14 },
    steps: ["connect", "> S 0", "< S. 0 ack 1 win 100", "> . 1 ack 1", "send 200", "> . 1:101 ack 1"],
  },
];

testCases(CASES);
