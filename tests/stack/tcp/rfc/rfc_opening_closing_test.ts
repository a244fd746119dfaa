/**
 * Opening and closing connections by the RFCs. script.ts describes the language of the lines.
 *
 * @module
 */
import { type Case, OPEN, openAt, testCases } from "../bed/script.ts";

const TIME_WAIT = [
  ...OPEN,
  "shutdown",
  "> F. 1 ack 1",
  "< F. 1 ack 2",
  "> . 2 ack 2",
  "= TIME-WAIT",
  "end null",
];

const CASES: readonly Case[] = [
  // RFC 9293: the handshake
  {
    rfc: "9293 3.7.1",
    what: "no MSS: 536 bytes; broken options end the list and do no harm",
    steps: [
      "< S 0 opt 0204", // its length is there, its value is not
      "> S. 0 ack 1 mss 1460",
      "< . 1 ack 1 opt 05ff0101",
      "send 1000",
      "> . 1:537 ack 1",
      "> . 537:1001 ack 1",
    ],
  },
  {
    rfc: "9293 3.1",
    what: "an option of length 0, or 1, ends the list; unknown ones are skipped",
    steps: [
      "< S 0 opt fd0600000000020403e80300020401f4",
      "> S. 0 ack 1 wscale -1",
      "< . 1 ack 1 opt 08010101",
      "send 1500",
      "> . 1:1001 ack 1",
      "> . 1001:1501 ack 1",
    ],
  },
  {
    rfc: "9293 3.7.1",
    what: "an MSS of 0 is ignored, a tiny one is raised",
    steps: [
      "< S 0 opt 02040001",
      "> S. 0 ack 1",
      "< . 1 ack 1",
      "send 100",
      "> . 1:89 ack 1",
      "> . 89:101 ack 1",
    ],
  },
  {
    rfc: "9293 3.10.7.2",
    what: "data in SYN is not accepted before the handshake; the guest resends it",
    steps: ["< S 0:10", "> S. 0 ack 1", "< . 1:11 ack 1", "got 10", "+ 10", "> . 1 ack 11"],
  },
  {
    rfc: "9293 3.10.7.3",
    what: "data and FIN in SYN-ACK are not accepted; the guest resends them",
    steps: [
      "connect",
      "> S 0",
      "< SF. 0:10 ack 1",
      "> . 1 ack 1",
      "got 0",
      "< F. 1:11 ack 1",
      "> . 1 ack 12",
      "got 10",
    ],
  },
  {
    rfc: "9293 3.10.7.3",
    what:
      "SYN-SENT: a SYN-ACK with a wrong acknowledgment, even our initial number, is answered with RST and changes nothing",
    steps: [
      "connect",
      "> S 0",
      "< S. 0 ack 0",
      "> R 0",
      "< S. 0 ack 2",
      "> R 2",
      "< SR. 0 ack 2",
      "= SYN-SENT",
      "< S. 0 ack 1",
      "> . 1 ack 1",
      "= ESTABLISHED",
    ],
  },
  {
    rfc: "9293 3.5",
    what: "simultaneous open, and the other half's SYN-ACK",
    steps: [
      "connect",
      "> S 0",
      "< S 0",
      "> S. 0 ack 1",
      "= SYN-RECEIVED",
      "< S. 0 ack 1",
      "> . 1 ack 1",
      "= ESTABLISHED",
      "< S. 0 ack 1", // our acknowledgment was lost
      "> . 1 ack 1",
      "= ESTABLISHED",
    ],
  },
  {
    rfc: "9293 3.5.3",
    what: "RST in SYN-RECEIVED also ends a connection that we have opened",
    steps: ["connect", "> S 0", "< S 0", "> S. 0 ack 1", "< R 1", "= GONE", "end reset"],
  },
  {
    rfc: "9293 3.8.1, 6298 5",
    what: "SYN-ACK is retransmitted after 1, 2, 4, ... seconds, and given up",
    steps: [
      "< S 0",
      "> S. 0 ack 1",
      "+ 1000",
      "> S. 0 ack 1",
      "+ 1999",
      "+ 1",
      "> S. 0 ack 1",
      "+ 4000",
      "> S. 0 ack 1",
      "+ 8000",
      "> S. 0 ack 1",
      "+ 16000",
      "> S. 0 ack 1",
      "+ 32000",
      "= GONE",
      "end timeout",
    ],
  },

  // Closing
  {
    rfc: "9293 3.6",
    what: "half-close: data after our FIN is accepted and acknowledged",
    steps: [
      ...OPEN,
      "shutdown",
      "> F. 1 ack 1",
      "< P. 1:11 ack 1", // FIN was not seen
      "got 10",
      "< . 11 ack 2",
      "= FIN-WAIT-2",
      "< P. 11:21 ack 2",
      "+ 10",
      "> . 2 ack 21",
      "got 20",
      "< F. 21 ack 2",
      "> . 2 ack 22",
      "= TIME-WAIT",
    ],
  },
  {
    rfc: "9293 3.6",
    what: "half-close: data is sent after the guest's FIN, then our FIN, which is retransmitted",
    steps: [
      ...OPEN,
      "< F. 1 ack 1",
      "> . 1 ack 2",
      "send 10",
      "> . 1:11 ack 2",
      "shutdown",
      "> F. 11 ack 2",
      "< . 2 ack 11",
      "+ 200",
      "> F. 11 ack 2",
      "+ 400",
      "> F. 11 ack 2",
      "= LAST-ACK",
      "< . 2 ack 12",
      "= GONE",
      "end null",
    ],
  },
  {
    rfc: "9293 3.6",
    what: "simultaneous close, and a FIN that acknowledges ours",
    steps: [
      ...OPEN,
      "shutdown",
      "> F. 1 ack 1",
      "< F. 1 ack 1",
      "> . 2 ack 2",
      "= CLOSING",
      "< F. 1 ack 2",
      "> . 2 ack 2",
      "= TIME-WAIT",
      "end null",
    ],
  },
  {
    rfc: "9293 3.6",
    what: "our FIN is retransmitted in CLOSING if the guest does not acknowledge it",
    steps: [...OPEN, "shutdown", "> F. 1 ack 1", "< F. 1 ack 1", "> . 2 ack 2", "+ 200", "> F. 1 ack 2", "= CLOSING"],
  },

  // TIME-WAIT
  {
    rfc: "9293 3.10.7.4, 1337",
    what: "TIME-WAIT: a repeated FIN is acknowledged; RST, acknowledgments and data after FIN are ignored",
    steps: [
      ...TIME_WAIT,
      "< F. 1 ack 2",
      "> . 2 ack 2",
      "< R 2",
      "< R. 2 ack 2",
      "< . 2 ack 2",
      "< P. 2:12 ack 2",
      "= TIME-WAIT",
      "+ 60000",
      "= GONE",
      "< . 2 ack 2",
      "> R 2",
    ],
  },
  {
    rfc: "9293 3.6.1",
    what: "TIME-WAIT: a higher SYN opens a new connection, with an initial number above all used ones",
    steps: [...TIME_WAIT, "< S 3", "> S. 65538 ack 4", "< . 4 ack 65539", "= ESTABLISHED"],
  },
  {
    rfc: "9293 3.6.1, 1337",
    what: "TIME-WAIT: SYN at or below RCV.NXT is acknowledged and does not restart the timer; a repeated FIN does",
    steps: [
      ...TIME_WAIT,
      "+ 50000",
      "< F. 1 ack 2",
      "> . 2 ack 2",
      "+ 50000",
      "< S 2",
      "> . 2 ack 2",
      "< S 0",
      "> . 2 ack 2",
      "= TIME-WAIT",
      "+ 10000",
      "= GONE",
    ],
  },
  {
    rfc: "6191 2",
    what:
      "TIME-WAIT: a SYN with a later timestamp opens a new connection, whatever its number; an earlier one does not",
    options: { timestamps: true },
    steps: [
      ...openAt(100),
      "shutdown",
      "> F. 1 ack 1",
      "< F. 1 ack 2 val 100",
      "> . 2 ack 2",
      "< S 50000 val 99",
      "> . 2 ack 2 ecr 100",
      "= TIME-WAIT",
      "< S -50000 val 101",
      "> S. 65538 ack -49999 ecr 101",
      "= SYN-RECEIVED",
    ],
  },
];

testCases(CASES);
