/**
 * The answer to a segment in each synchronized state: RFC 9293, section 3.10.7.4, with the mitigations of RFC 5961.
 * script.ts describes the language of the lines.
 *
 * @module
 */
import { BASES, OPEN, play } from "../bed/script.ts";

const FIN_WAIT_1 = [...OPEN, "shutdown", "> F. 1 ack 1", "= FIN-WAIT-1"];
const CLOSE_WAIT = [...OPEN, "< F. 1 ack 1", "> . 1 ack 2", "= CLOSE-WAIT"];

/** A state, the steps that reach it, and RCV.NXT and SND.NXT in it. */
interface Place {
  readonly name: string;
  readonly reached: readonly string[];
  readonly rcv: number;
  readonly snd: number;
}

const PLACES: readonly Place[] = [
  { name: "SYN-RECEIVED", reached: ["< S 0", "> S. 0 ack 1"], rcv: 1, snd: 1 },
  { name: "ESTABLISHED", reached: OPEN, rcv: 1, snd: 1 },
  { name: "FIN-WAIT-1", reached: FIN_WAIT_1, rcv: 1, snd: 2 },
  { name: "FIN-WAIT-2", reached: [...FIN_WAIT_1, "< . 1 ack 2"], rcv: 1, snd: 2 },
  { name: "CLOSE-WAIT", reached: CLOSE_WAIT, rcv: 2, snd: 1 },
  { name: "CLOSING", reached: [...FIN_WAIT_1, "< F. 1 ack 1", "> . 2 ack 2"], rcv: 2, snd: 2 },
  { name: "LAST-ACK", reached: [...CLOSE_WAIT, "shutdown", "> F. 1 ack 2"], rcv: 2, snd: 2 },
];

/** A segment, and its consequences. */
interface Row {
  readonly rfc: string;
  readonly what: string;
  readonly steps: (place: Place) => string[];
}

const answer = ({ snd, rcv }: Place) => `> . ${snd} ack ${rcv}`;
/** Only an acknowledgment follows, and the state stays the same. */
const acknowledged = (segment: (place: Place) => string) => (place: Place) => [
  segment(place),
  answer(place),
  `= ${place.name}`,
];
const ignored = (segment: (place: Place) => string) => (place: Place) => [segment(place), `= ${place.name}`];
/** In SYN-RECEIVED an acknowledgment of anything but the SYN is answered with RST (section 3.10.7.4, fifth). */
const resetOrAcknowledged = (segment: (place: Place) => string, ack: (place: Place) => number) => (place: Place) => [
  segment(place),
  place.name === "SYN-RECEIVED" ? `> R ${ack(place)}` : answer(place),
  `= ${place.name}`,
];

const ROWS: readonly Row[] = [
  {
    rfc: "5961 3.2",
    what: "RST at RCV.NXT resets",
    steps: ({ name, rcv }) => [`< R ${rcv}`, "= GONE", `end ${/CLOSING|LAST-ACK/.test(name) ? "null" : "reset"}`],
  },
  {
    rfc: "5961 3.2",
    what: "RST in the window is challenged, then the answer to that resets",
    steps: (place) => [`< R ${place.rcv + 1}`, answer(place), `= ${place.name}`, `< R ${place.rcv}`, "= GONE"],
  },
  {
    rfc: "5961 3.2",
    what: "RST at the end of the window is challenged",
    steps: acknowledged(({ rcv }) => `< R. ${rcv + 65_533} ack 7`),
  },
  { rfc: "5961 3.2", what: "RST before the window is ignored", steps: ignored(({ rcv }) => `< R ${rcv - 1}`) },
  { rfc: "5961 3.2", what: "RST beyond the window is ignored", steps: ignored(({ rcv }) => `< R ${rcv + 65_536}`) },
  { rfc: "9293 3.10.7.4", what: "RST with the old SYN is ignored", steps: ignored(() => "< SR 0") },
  { rfc: "5961 4.2", what: "SYN in the window is challenged", steps: acknowledged(({ rcv }) => `< S ${rcv + 100}`) },
  { rfc: "5961 4.2", what: "SYN at RCV.NXT is challenged", steps: acknowledged(({ rcv }) => `< S ${rcv}`) },
  {
    rfc: "5961 4.2",
    what: "SYN beyond the window is challenged",
    steps: acknowledged(({ rcv }) => `< S ${rcv + 100_000}`),
  },
  {
    rfc: "5961 4.2",
    what: "SYN before the window is challenged",
    steps: acknowledged(({ rcv }) => `< S ${rcv - 100_000}`),
  },
  {
    rfc: "5961 4.2",
    what: "SYN-ACK is challenged",
    steps: acknowledged(({ rcv, snd }) => `< S. ${rcv + 100} ack ${snd}`),
  },
  {
    rfc: "9293 3.8.1",
    what: "the SYN again",
    steps: (place) => ["< S 0", place.name === "SYN-RECEIVED" ? "> S. 0 ack 1" : answer(place), `= ${place.name}`],
  },
  {
    rfc: "5961 5.2",
    what: "an acknowledgment of unsent data, without data",
    steps: resetOrAcknowledged(({ rcv, snd }) => `< . ${rcv} ack ${snd + 1}`, ({ snd }) => snd + 1),
  },
  {
    rfc: "5961 5.2",
    what: "an acknowledgment of unsent data, with data",
    steps: (place) => [
      ...resetOrAcknowledged(({ rcv, snd }) => `< P. ${rcv}:${rcv + 10} ack ${snd + 1}`, ({ snd }) => snd + 1)(place),
      "got 0",
    ],
  },
  {
    rfc: "5961 5.2",
    what: "blind data: an acknowledgment older than the largest window",
    steps: (place) => [
      ...resetOrAcknowledged(
        ({ rcv, snd }) => `< P. ${rcv}:${rcv + 10} ack ${snd - 70_000}`,
        ({ snd }) => snd - 70_000,
      )(place),
      "got 0",
    ],
  },
  {
    rfc: "9293 3.10.7.4",
    what: "data beyond the window",
    steps: (place) => [
      ...acknowledged(({ rcv, snd }) => `< P. ${rcv + 65_536}:${rcv + 65_546} ack ${snd}`)(place),
      "got 0",
    ],
  },
  {
    rfc: "9293 3.10.7.4",
    what: "an old duplicate of data",
    steps: (place) => [
      ...acknowledged(({ rcv, snd }) => `< P. ${rcv - 100}:${rcv - 90} ack ${snd - 1}`)(place),
      "got 0",
    ],
  },
  { rfc: "9293 3.10.7.4", what: "data without ACK is ignored", steps: ignored(({ rcv }) => `< P ${rcv}:${rcv + 10}`) },
  { rfc: "9293 3.10.7.4", what: "FIN without ACK is ignored", steps: ignored(({ rcv }) => `< F ${rcv}`) },
  {
    rfc: "9293 3.8.6.1",
    what: "a probe of our window from before it",
    steps: acknowledged(({ rcv, snd }) => `< . ${rcv - 1} ack ${snd - 1}`),
  },
  {
    rfc: "9293 3.10.7.4",
    what: "data after the guest's FIN is ignored",
    steps: (place) =>
      place.rcv === 1 ? [] : [`< P. ${place.rcv}:${place.rcv + 10} ack 1`, answer(place), "got 0", `= ${place.name}`],
  },
  {
    rfc: "9293 3.10.7.4",
    what: "the guest's FIN again",
    steps: (place) => place.rcv === 1 ? [] : ["< F. 1 ack 1", answer(place), `= ${place.name}`],
  },
];

for (const { rfc, what, steps } of ROWS) {
  Deno.test(`RFC ${rfc}, each state: ${what}`, () => {
    for (const place of PLACES) for (const bases of BASES) play([...place.reached, ...steps(place)], {}, bases);
  });
}
