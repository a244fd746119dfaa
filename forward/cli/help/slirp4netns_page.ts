/**
 * The help page about the program in place of slirp4netns.
 *
 * @module
 */
import type { Section } from "./page.ts";

/** How the program stands in for slirp4netns, and what differs from slirp4netns. */
export const SLIRP4NETNS_PAGE: readonly Section[] = [
  {
    title: "In place of slirp4netns",
    blocks: [
      "`slirpnetstack slirp4netns` takes slirp4netns' command line and serves the guest as slirp4netns does. The executable " +
      "does the same when it is called by the name `slirp4netns`, such as that of a symbolic link. `slirpnetstack " +
      "slirp4netns --help` lists the options.",
      "The guest reaches all that the host reaches, 169.254.0.0/16 included. At the gateway, 10.0.2.2, is the host's " +
      "loopback, unless `--disable-host-loopback` is given; then the network is unreachable there. 10.0.2.3 is the name " +
      "server. DHCP gives 10.0.2.15 to the first client. With `--enable-ipv6` the guest makes itself an address of " +
      "fd00::/64, and the gateway and the name server are fd00::2 and fd00::3.",
      "Nothing is printed about connections. The status is 0 after `--exit-fd`, and 1 when something fails. A signal " +
      "ends the program without a status of its own.",
    ],
  },
  {
    title: "Differences from slirp4netns",
    blocks: [{
      terms: [
        ["IPv6", "is no experiment here: TCP, UDP, ping and names work over both versions."],
        ["names", "are asked of the first name server of the host, and of the next one when that is silent."],
        [
          "`--enable-sandbox`, `--enable-seccomp`",
          "are both `-sandbox`: system calls and, with Landlock, files are given up, with no mount namespace of its own.",
        ],
        ["loopback", "destinations, such as a packet to 127.0.0.1, are never routed to the host."],
      ],
    }],
  },
  {
    title: "Examples",
    blocks: [
      "A guest that a process is in:",
      { code: ["slirpnetstack slirp4netns --configure --mtu=65520 --disable-host-loopback 4711 tap0"] },
    ],
  },
];
