/**
 * Data, windows and timers by the RFCs. script.ts describes the language of the lines.
 *
 * @module
 */
import { type Case, OPEN, testCases } from "../bed/script.ts";

const CASES: readonly Case[] = [
  // RFC 9293: data
  {
    rfc: "9293 3.8.5",
    what: "the urgent pointer is ignored: urgent data stays in the stream",
    steps: [...OPEN, "< U. 1:11 ack 1", "got 10", "< UP. 11:21 ack 1", "got 20"],
  },
  {
    rfc: "9293 3.10.7.4",
    what: "data that overlaps old data or the end of the window is trimmed",
    steps: [
      ...OPEN,
      "stop",
      "< P. 1:101 ack 1",
      "< P. 51:151 ack 1",
      "> . 1 ack 151",
      "read",
      "got 150",
    ],
  },
  {
    rfc: "9293 3.4",
    what: "old duplicates of data are acknowledged every time, and not delivered twice",
    steps: [
      ...OPEN,
      "< P. 1:11 ack 1",
      "< P. 1:11 ack 1",
      "> . 1 ack 11",
      "< P. 1:11 ack 1",
      "> . 1 ack 11",
      "got 10",
    ],
  },
  {
    rfc: "9293 3.10.7.4",
    what: "FIN arrives before earlier data",
    steps: [...OPEN, "< F. 11:21 ack 1", "> . 1 ack 1", "< P. 1:11 ack 1", "> . 1 ack 22", "got 20", "= CLOSE-WAIT"],
  },
  {
    rfc: "9293 3.10.7.4",
    what: "bytes after an out-of-order FIN are not data",
    steps: [
      ...OPEN,
      "< F. 11:21 ack 1",
      "> . 1 ack 1",
      "< P. 22:32 ack 1",
      "> . 1 ack 1",
      "< P. 1:11 ack 1",
      "> . 1 ack 22",
      "got 20",
      "= CLOSE-WAIT",
    ],
  },
  {
    rfc: "9293 3.10.7.4",
    what: "bytes after a FIN are not data even if they arrived first",
    steps: [
      ...OPEN,
      "< P. 11:21 ack 1",
      "> . 1 ack 1",
      "< F. 6 ack 1",
      "> . 1 ack 1",
      "< P. 1:6 ack 1",
      "> . 1 ack 7",
      "got 5",
      "= CLOSE-WAIT",
    ],
  },
  {
    rfc: "9293 3.10.7.4",
    what: "a FIN within data that arrived before it",
    steps: [
      ...OPEN,
      "< P. 4:21 ack 1",
      "> . 1 ack 1",
      "< F. 6 ack 1",
      "> . 1 ack 1",
      "< P. 1:4 ack 1",
      "> . 1 ack 7",
      "got 5",
      "= CLOSE-WAIT",
      "< P. 7:21 ack 1",
      "> . 1 ack 7",
      "got 5",
    ],
  },
  {
    rfc: "9293 3.10.7.4",
    what: "a FIN in order, and earlier data that spans it",
    steps: [...OPEN, "< P. 3:21 ack 1", "> . 1 ack 1", "< F. 1:6 ack 1", "> . 1 ack 7", "got 5", "= CLOSE-WAIT"],
  },
  {
    rfc: "9293 3.10.7.4",
    what: "of two FINs the one with the lower sequence number counts",
    steps: [
      ...OPEN,
      "< F. 11:21 ack 1",
      "> . 1 ack 1",
      "< F. 4:6 ack 1",
      "> . 1 ack 1",
      "< F. 21 ack 1",
      "> . 1 ack 1",
      "< P. 1:11 ack 1",
      "> . 1 ack 7",
      "got 5",
      "= CLOSE-WAIT",
    ],
  },

  // RFC 9293: the window
  {
    rfc: "9293 3.8.6.1",
    what: "a window that is closed from the start is probed with backoff, then opened",
    steps: [
      "< S 0 win 0",
      "> S. 0 ack 1",
      "< . 1 ack 1 win 0",
      "send 10",
      "+ 200",
      "> . 1:2 ack 1",
      "< . 1 ack 1 win 0",
      "+ 399",
      "+ 1",
      "> . 1:2 ack 1",
      "< . 1 ack 2 win 0", // it was taken
      "+ 800",
      "> . 2:3 ack 1",
      "< . 1 ack 2 win 5",
      "> . 2:7 ack 1",
      "< . 1 ack 7 win 9",
      "> . 7:11 ack 1",
    ],
  },
  {
    rfc: "9293 3.8.6.1",
    what: "a connection with a window closed for hours stays open while probes are answered",
    steps: [
      "< S 0 win 0",
      "> S. 0 ack 1",
      "< . 1 ack 1 win 0",
      "send 10",
      ...Array.from({ length: 100 }, (_, i) => [
        `+ ${Math.min(60_000, 200 * 2 ** i)}`,
        "> . 1:2 ack 1",
        "< . 1 ack 1 win 0",
      ]).flat(),
      "= ESTABLISHED",
    ],
  },
  {
    rfc: "9293 3.8.6",
    what: "the guest shrinks its window: data beyond it is not retransmitted, acknowledgments beyond it count",
    steps: [
      ...OPEN,
      "send 3000",
      "> . 1:1461 ack 1",
      "> . 1461:2921 ack 1",
      "> . 2921:3001 ack 1",
      "< . 1 ack 1 win 1460",
      "+ 200",
      "> . 1:1461 ack 1",
      "< . 1 ack 3001 win 0",
      "send 10",
      "< . 1 ack 3001 win 10",
      "> . 3001:3011 ack 1",
    ],
  },
  {
    rfc: "9293 3.8.6",
    what: "an old segment does not restore an old window",
    steps: [...OPEN, "< P. 1:11 ack 1 win 0", "< . 1 ack 1 win 5000", "> . 1 ack 11", "send 10", "= ESTABLISHED"],
  },

  // RFC 9293: the timers
  {
    rfc: "6298 5",
    what: "retransmission backs off, and is given up after 15 minutes",
    steps: [
      ...OPEN,
      "send 10",
      "> . 1:11 ack 1",
      ...[200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, ...Array(13).fill(60_000)].flatMap((ms) => [
        `+ ${ms}`,
        "> . 1:11 ack 1",
      ]),
      "+ 60000",
      "> R. 11 ack 1",
      "= GONE",
      "end timeout",
    ],
  },
  {
    rfc: "9293 3.8.4",
    what: "keepalive: a probe is one below the acknowledged number, without data; RST in answer ends the connection",
    steps: [...OPEN, "+ 899999", "+ 1", "> . 0 ack 1", "< . 1 ack 1", "+ 900000", "> . 0 ack 1", "< R 1", "end reset"],
  },
];

testCases(CASES);
