/**
 * Duplicate acknowledgments and SACK by the RFCs. script.ts describes the language of the lines.
 *
 * @module
 */
import { type Case, OPEN, testCases } from "../bed/script.ts";

const CASES: readonly Case[] = [
  // RFC 5681, 2018, 2883
  {
    rfc: "5681 2",
    what: "not duplicate acknowledgments: with data, with another window, with nothing in flight",
    options: { mss: 1000 },
    steps: [
      ...OPEN,
      "< . 1 ack 1",
      "< . 1 ack 1",
      "< . 1 ack 1",
      "send 5000",
      ...[1, 1001, 2001, 3001, 4001].map((at) => `> . ${at}:${at + 1000} ack 1`),
      "< P. 1:11 ack 1",
      "< . 11 ack 1 win 60000",
      "< . 11 ack 1 win 50000",
      "< . 11 ack 1 win 40000",
      "+ 10",
      "> . 5001 ack 11",
      "< . 11 ack 1 win 40000",
      "< . 11 ack 1 win 40000",
      "< . 11 ack 1 win 40000",
      "> . 1:1001 ack 11",
    ],
  },
  {
    rfc: "2018 3",
    what:
      "blocks are ignored that are below the acknowledgment, at it, empty, the wrong way round, or of what was not sent",
    options: { mss: 1000, sack: true },
    steps: [
      ...OPEN,
      "send 5000",
      ...[1, 1001, 2001, 3001, 4001].map((at) => `> . ${at}:${at + 1000} ack 1`),
      "< . 1 ack 1001 sack 1-501",
      "< . 1 ack 1001 sack 1001-5001",
      "< . 1 ack 1001 sack 2001-2001",
      "< . 1 ack 1001 sack 4001-2001",
      "< . 1 ack 1001 sack 4001-5002",
      "< . 1 ack 1001 sack -2000000000-2001",
      "+ 200",
      "> . 1001:2001 ack 1",
      "< . 1 ack 5001",
    ],
  },
  {
    rfc: "2883 4",
    what: "a SACK block about a duplicate does not indicate a loss",
    options: { mss: 1000, sack: true },
    steps: [
      ...OPEN,
      "send 5000",
      ...[1, 1001, 2001, 3001, 4001].map((at) => `> . ${at}:${at + 1000} ack 1`),
      "< . 1 ack 2001 sack 1-1001",
      "< . 1 ack 2001 sack 1-1001",
      "< . 1 ack 2001 sack 1001-2001",
      "< . 1 ack 2001 sack 1-1001",
      "< . 1 ack 2001 sack 3001-4001", // a first true one
      "< . 1 ack 2001 sack 3001-3501,3001-4001", // part of it came twice
      "< . 1 ack 2001 sack 3001-4001",
      "< . 1 ack 2001 sack 3001-5001",
      "+ 100",
      "= ESTABLISHED",
    ],
  },
  {
    rfc: "2018 8",
    what: "the guest acknowledges less than it had selectively acknowledged: all is retransmitted immediately",
    options: { mss: 1000, sack: true },
    steps: [
      ...OPEN,
      "send 10000",
      ...[1, 1001, 2001, 3001, 4001, 5001, 6001, 7001, 8001, 9001].map((at) => `> . ${at}:${at + 1000} ack 1`),
      "< . 1 ack 1 sack 1001-10001",
      "> . 1:1001 ack 1",
      "< . 1 ack 1001",
      "> . 1001:2001 ack 1",
      "< . 1 ack 2001",
      "> . 2001:3001 ack 1",
      "> . 3001:4001 ack 1",
      "< . 1 ack 4001",
      ...[4001, 5001, 6001, 7001].map((at) => `> . ${at}:${at + 1000} ack 1`),
      "< . 1 ack 8001",
      ...[8001, 9001].map((at) => `> . ${at}:${at + 1000} ack 1`),
      "< . 1 ack 10001",
    ],
  },
  {
    rfc: "2018 8",
    what: "the same after a timeout, with each retransmission answered separately",
    options: { mss: 1000, sack: true },
    steps: [
      ...OPEN,
      "send 4000",
      ...[1, 1001, 2001, 3001].map((at) => `> . ${at}:${at + 1000} ack 1`),
      "< . 1 ack 1 sack 1001-2001",
      "+ 200",
      "> . 1:1001 ack 1",
      "< . 1 ack 1001 sack 3001-4001", // it has kept the last, and not the second
      "> . 1001:2001 ack 1",
      "< . 1 ack 2001 sack 3001-4001",
      "> . 2001:3001 ack 1",
      "< . 1 ack 4001",
      "+ 100",
      "= ESTABLISHED",
    ],
  },
];

testCases(CASES);
