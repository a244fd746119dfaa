/**
 * The page of help about `slirpnetstack top`, and about the page and the document that show the same.
 *
 * @module
 */
import type { Section } from "./page.ts";

/** The command line. */
export const TOP_SYNOPSIS = "`slirpnetstack top` _ADDRESS_";

/** The table, its keys, and the document. */
export const TOP: readonly Section[] = [
  {
    title: "Names, live",
    blocks: [
      "`slirpnetstack top` _ADDRESS_ shows what a running program's guest reaches and is refused, by name, new each second. _ADDRESS_ is that of the " +
      "program's `-m`: `tcp://`_IP_`:`_PORT_ or `unix://`_PATH_. Flows without a name have a line for their address: that of " +
      "the guest's destination, or of a local forward's client.",
      "If stdin or stdout is not a terminal, one table is printed, with the rates of one second, in 80 columns and without " +
      "colours. `NO_COLOR` switches colours off in a terminal too.",
      {
        terms: [
          ["`OPEN`, `FLOWS`", "Flows that are open, and all so far."],
          ["`OUT/S`, `IN/S`", "Bytes a second from the guest and to it. `K` is 1,024."],
          ["`OUT`, `IN`", "Bytes so far, payload only."],
          ["`REFUSED`", "Questions and flows that were refused."],
        ],
      },
      "The exit status is 0, or 1 if the address does not answer, or 2 if the address is wrong.",
    ],
  },
  {
    title: "Keys of top",
    blocks: [{
      terms: [
        ["`n`, `o`, `f`, `s`, `b`, `x`", "Sort by name, open flows, flows, speed, bytes or refusals."],
        ["`d`", "Show the lines with refusals only, or all again."],
        ["Up, Down, `k`, `j`", "Select a line."],
        [
          "`p`, Enter",
          "Print the rule for the selected line: the rule that allows it, why it was refused last, and the flag that would " +
          "let it. The rules are printed again at the end.",
        ],
        ["`q`, Ctrl-C", "Quit."],
      ],
    }],
  },
  {
    title: "Names as JSON",
    blocks: [
      "With `-m`, `/names` has the same as JSON: `names`, a list of objects, and `other`, an object with the counts of " +
      "everything that has no line. Over TCP, it must be requested by an IP address or as `localhost`. `-max-listed-names` " +
      "bounds the list.",
      {
        terms: [
          ["`name`, `kind`", "The name, or the address; `name`, `address` or `other`."],
          ["`open`, `flows`, `refusals`", "Flows that are open, all flows, and all refusals so far."],
          ["`bytes_out`, `bytes_in`", "Payload bytes from the guest and to it so far."],
          ["`rule`", "The rule that has allowed the last flow, or `null`."],
          ["`reason`, `shown`", "Why the last refusal was, as in `help audit`, and the name that the flow has shown."],
          ["`remedy`", "The flags that would let it, or `null`."],
        ],
      },
      "`seconds` is a clock that does not go back: a rate is the difference of two documents.",
    ],
  },
  {
    title: "Examples",
    blocks: [
      "A command, and its table in another terminal:",
      {
        code: [
          "slirpnetstack run -only @npm -m unix:///tmp/guest.sock -- npm ci",
          "slirpnetstack top unix:///tmp/guest.sock",
        ],
      },
    ],
  },
];
