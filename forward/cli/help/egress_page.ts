/**
 * The page of help about egress by name: `-only`, `-policy`, and what they promise.
 *
 * @module
 */
import { RECORD_TYPES } from "../../policy/names/record_types.ts";
import type { Section } from "./page.ts";

/** What the guest may reach by name, and how rules are written. */
export const EGRESS: readonly Section[] = [
  {
    title: "Egress by name",
    blocks: [
      "With `-only` or `-policy`, the guest reaches what the rules say and nothing else. Everything else is refused at " +
      "once, with a line on stderr. No proxy variable and no certificate is needed: the program sees every packet.",
      "Each name has an address of its own in the guest, from 198.18.0.0/15 and fd00:0:0:5e::/64. A connection to such an " +
      "address is a connection to that name: the program looks the name up on the host, checks its addresses, and dials " +
      "one. Two names behind one real address stay apart, and an address that changes does no harm. For programs that need " +
      "the real addresses, there is `-names real`.",
      "Every DNS question of the guest ends at the program, whatever server it was for. A name without a rule does not " +
      "exist (NXDOMAIN, with the extended error Blocked), and nothing about it leaves the host. For an allowed name, " +
      "the program asks the host's name servers in its own words: only the name and the type are the guest's.",
    ],
  },
  {
    title: "Rules",
    blocks: [
      "`-only` takes rules, separated by commas. A _RULE_ is one of these:",
      {
        terms: [
          [
            "`api.example.com`",
            "TLS with that name on port 443, and QUIC with it. `?quic=off` leaves QUIC out. `?ech=on` allows a ClientHello in " +
            "which a part is encrypted (ECH), where there may be another name. Browsers send such a part everywhere.",
          ],
          [
            "`api.example.com:8443`",
            "Another port, or a range of ports. On port 80, HTTP requests to that host. On any other port, a flow that is " +
            "TLS or HTTP must show that name; one that is neither may carry anything.",
          ],
          ["`tls://db.example.com:5432`", "The flow must begin with a ClientHello of that name."],
          ["`http://deb.example.org`", "Port 80, unless given. Every request must be to that host."],
          ["`quic://www.example.com`", "UDP port 443, unless given. The Initial must have that name."],
          [
            "`tcp://git.example.com:22`, `udp://ntp.example.com:123`",
            "That name's addresses and that port; any protocol.",
          ],
          [
            "`dns://sip.example.com?type=SRV,TXT`",
            `The name may be asked for with these types too: ${
              Object.keys(RECORD_TYPES).join(", ")
            }. It opens no flow.`,
          ],
          [
            "`*.example.com`",
            "All names below example.com, but not itself. At a public suffix, such as `*.com` or `*.github.io`, it is an " +
            "error, unless it is written `*!.github.io`.",
          ],
          ["`192.0.2.0/24:443`, `udp://192.0.2.7:53`", "Addresses, as in `-allow`."],
          ["`@npm`", "The rules of a preset: `@npm`, `@pypi`, `@debian`, `@go`, `@cargo`, `@github`."],
          [
            "`!`_RULE_",
            "Denies, and wins over rules that allow. Without a kind and a port it denies the name altogether.",
          ],
        ],
      },
      "Names are compared label by label, without regard to case. A name in another script is turned into its ASCII form. " +
      "A name never opens ping, nor another port than the rule has.",
      "A name must not lead to an address that is never routed or denied, nor into the host's own networks, unless a rule " +
      "for the address or `-enable-host` opens that. Names of the host's own `/etc/hosts` may, if a rule is about that name and is no wildcard.",
    ],
  },
  {
    title: "What is refused, and how",
    blocks: [
      "The program connects to the host first, and then looks at the guest's first bytes. It holds them until they have " +
      "shown the name: at most 32 KiB and 10 seconds. Of a flow that shows another name, or none, no byte leaves.",
      {
        terms: [
          ["A name without a rule", "It does not exist (NXDOMAIN)."],
          ["An address or a port without a rule", "TCP is reset; UDP gets ICMP administratively prohibited."],
          ["Another name in TLS", "The alert `access_denied`, which clients show as such."],
          [
            "Another host in HTTP",
            "`403` with a text that says why. Each request of a connection is judged. CONNECT and HTTP/2 without TLS are " +
            "refused, and so is what two servers could read in two ways. A WebSocket is judged by its request.",
          ],
          ["Another name in QUIC", "ICMP administratively prohibited. Browsers use TLS then."],
        ],
      },
      "At its end, `run` lists on stderr what was refused.",
    ],
  },
  {
    title: "Policy file",
    blocks: [
      "The file of `-policy` is JSON with comments. `version` is 1. `use` is a list of presets. `rules` is a list of " +
      "objects with `allow` or `deny`, whose value is a rule, and, if wanted, `id`, `note` and `until`: a name for the " +
      "rule, a remark, and the time when the rule ends. Unknown keys are errors. `slirpnetstack policy schema` prints the " +
      "JSON schema, for editors.",
      {
        code: [
          '{ "version": 1, "use": ["@npm"], "rules": [',
          '{ "allow": "tcp://git.example.com:22", "note": "git over ssh" }, // port 443 needs a rule of its own',
          '{ "deny": "telemetry.example.com" } ] }',
        ],
      },
      "With `-api`, `POST /policy` replaces the rules by those of a policy in its body, and `GET /policy` shows them.",
      "On SIGHUP the file is read again. With `-sandbox`, the program can then read the files of that folder as far as " +
      "everybody may, or as the user of `-user` may. The command of `run` is the same user: keep the file where it can't " +
      "write.",
      "`slirpnetstack policy explain` _FILE_ _NAME_`:`_PORT_ says what the policy does, and by which rule; its status is 1 " +
      "if no flow is allowed. `slirpnetstack policy show @npm` prints a preset.",
    ],
  },
  {
    title: "Finding the rules",
    blocks: [
      "`-observe` lets through what no rule allows, and reports it; `-learn` writes the rules to a file. Run a program that " +
      "you trust, read the file, and give it to `-policy`:",
      { code: ["slirpnetstack run -observe -learn policy.json -- make test"] },
    ],
  },
  {
    title: "What stays open",
    blocks: [
      "An allowed service can carry data to its other users: a bucket, a repository, an account with another key. Rules " +
      "for exact names, and `!`_RULE_, narrow that.",
      "The labels of names below a wildcard can carry a message to the name servers of that domain. `-max-new-names` " +
      "bounds it to some per minute.",
      "The name that a flow shows is that of its ClientHello. A server can serve other names inside of TLS to those who " +
      "ask for them (domain fronting), as some content delivery networks do. An allowed server can look other names up for " +
      "the guest (DNS over HTTPS): the addresses are of no use to it, but the questions leave.",
      "The owner of an allowed server sees when the guest connects, how often, and how much it sends. The program trusts the " +
      "answers of the host's name servers. `tcp://` and `udp://` rules let anything through to that name.",
    ],
  },
  {
    title: "Examples",
    blocks: [
      "A package manager, its registry, and nothing else:",
      { code: ["slirpnetstack run -only registry.npmjs.org -- npm ci"] },
      "One database and one time server:",
      { code: ["slirpnetstack run -only tcp://db.example.com:5432,udp://ntp.example.com:123 -- ./server"] },
    ],
  },
];
