/**
 * What help says of each flag. The flags' names, types and defaults are in the table of options.ts; a flag that is added
 * there is missed by the compiler here.
 *
 * @module
 */
import { ICMP_MODES, SOCKETS_KINDS, type Table } from "../options.ts";
import { limitHelp } from "../limit_flags.ts";
import type { RunTable } from "../run_options.ts";
import type { FlagHelp } from "./page.ts";

/** By the flag's name, in the order in which help has them. */
export const FLAG_HELP: Readonly<Record<keyof Table | keyof RunTable, FlagHelp>> = {
  "netns": {
    value: "PATH",
    group: "Guest",
    paragraphs: [
      "The network namespace of the guest, by a path: `/proc/`_PID_`/ns/net` of a process in it, or `/run/netns/`_NAME_ of " +
      "one that `ip netns` has made. When not given, it is the one in which the program is started.",
      "The program enters it only to open the device. Its own sockets stay in the namespace in which it was started. To " +
      "enter needs root, or to be the user who has made the user namespace that the guest is in.",
    ],
    complete: "netns",
  },
  "pid": {
    value: "PID",
    group: "Guest",
    paragraphs: ["A process of the guest, in the place of `-netns /proc/`_PID_`/ns/net`."],
    complete: "none",
  },
  "configure": {
    value: "",
    group: "Guest",
    paragraphs: [
      "Make the device, a tap, where it is missing, and give it the guest's addresses, default routes and MTU (65520 " +
      "unless `-mtu` says otherwise). The loopback device is switched on, too.",
      "Refused where the guest's network namespace is the program's own: the host would lose its default routes. That is so " +
      "without `-netns` and `-pid`, and with a process that has not made its namespace yet or shares the host's.",
    ],
    complete: "none",
  },
  "user-keep": {
    value: "",
    group: "Guest",
    paragraphs: [
      "The command runs with the user's own ids and without privileges. By default it is root in a user namespace, which " +
      "stands for the user everywhere else. Root's guest has a user namespace only with `-userns`; without one, this " +
      "changes nothing.",
    ],
    complete: "none",
  },
  "userns": {
    value: "",
    group: "Guest",
    paragraphs: [
      "Make a user namespace also when run by root, who needs none. The command then has no privileges outside of it.",
    ],
    complete: "none",
  },
  "interface": {
    value: "NAME",
    group: "Guest",
    paragraphs: [
      "The tun or tap device there. It must exist, unless `run` or `-configure` makes it. Which of the two it is, is found out, " +
      "and its MTU too.",
    ],
    complete: "interface",
  },
  "fd": {
    value: "NUMBER",
    group: "Guest",
    paragraphs: [
      "In the place of a device, a Unix socket that the program inherits as this file descriptor. Of a datagram socket, or " +
      "a sequenced packet one, each message is an Ethernet frame; on a stream socket, each frame has its length before it, " +
      "in 4 bytes, the most significant first. Virtual machine monitors such as QEMU have the other end. Not together with " +
      "`-netns`.",
    ],
    complete: "none",
  },
  "mtu": {
    value: "BYTES",
    group: "Guest",
    paragraphs: [
      "The largest IP packet, from 68 to 65535. `0`, the default, is what the device says, and 1500 with `-fd`. It costs " +
      "little speed to have a small one: the kernel hands over and takes large segments of TCP whatever it is.",
    ],
    complete: "none",
  },
  "offload": {
    value: "",
    group: "Guest",
    paragraphs: [
      "The guest's kernel and the program hand each other segments of up to 64 KiB, and leave the checksums out, as no " +
      "wire is between them. With `-offload=false` each frame is as on a wire, no longer than the MTU and with its " +
      "checksum: for a capture (`-pcap`) to show such, or to measure. It costs most of the speed. Frames of `-fd` are always so.",
    ],
    complete: "none",
  },
  "enable-routing": {
    value: "",
    group: "Policy",
    paragraphs: [
      "The guest may reach addresses that the host has only a default route to, which is to say, the internet.",
    ],
    complete: "none",
  },
  "enable-host": {
    value: "",
    group: "Policy",
    paragraphs: [
      "The guest may reach the addresses of the host and of the networks that the host is part of: what is in the host's " +
      "`local` table, and what it has other than default routes to.",
    ],
    complete: "none",
  },
  "disable-routing": {
    value: "",
    group: "Policy",
    paragraphs: ["The older spelling of `-enable-routing=false`. It wins over `-enable-routing`."],
    complete: "none",
  },
  "disable-host-networks": {
    value: "",
    group: "Policy",
    paragraphs: ["The older spelling of `-enable-host=false`. It wins over `-enable-host`."],
    complete: "none",
  },
  "allow": {
    value: "RANGE",
    group: "Policy",
    paragraphs: ["What the guest may reach in spite of the flags above. _RANGE_ may be several, separated by commas."],
    complete: "range",
    repeatable: true,
  },
  "deny": {
    value: "RANGE",
    group: "Policy",
    paragraphs: [
      "What the guest may not reach in spite of everything else. _RANGE_ may be several, separated by commas.",
    ],
    complete: "range",
    repeatable: true,
  },
  "icmp": {
    value: "MODE",
    group: "Policy",
    paragraphs: [
      "Who answers the guest's pings. `local`: the program itself does, whatever address is asked, so a ping says nothing " +
      "about the host that it names. `auto`: an address that the guest may reach is pinged for real, and what it answers " +
      'comes back; for others the answer is "administratively prohibited", but for those of the program itself, which it ' +
      "answers. `off`: nobody does.",
    ],
    complete: ICMP_MODES,
  },
  "host-loopback": {
    value: "",
    group: "Policy",
    paragraphs: [
      "The guest reaches what listens on the host's loopback, 127.0.0.1 and ::1, at `10.0.2.2` and `fd00::2`: every port " +
      "that no remote forward has, over TCP and UDP. `-deny` can make exceptions.",
    ],
    complete: "none",
  },
  "L": {
    value: "FORWARD",
    group: "Forwards",
    paragraphs: [
      "A local forward: listen on the host, and connect into the guest's network. The guest sees the client's address, " +
      "where it can.",
    ],
    complete: "forward",
    repeatable: true,
  },
  "R": {
    value: "FORWARD",
    group: "Forwards",
    paragraphs: [
      "A remote forward: listen in the guest's network, and connect on the host. It is allowed whatever the policy says.",
    ],
    complete: "forward",
    repeatable: true,
  },
  "dns-ttl": {
    value: "DURATION",
    group: "Forwards",
    paragraphs: [
      "How long the address of a name in a forward's target is used before the name is resolved again, such as `500ms` or " +
      "`1m30s`. `0` resolves it for each connection.",
    ],
    complete: ["0", "1s", "5s", "1m"],
  },
  "source-ipv4": {
    value: "ADDRESS",
    group: "Host side",
    paragraphs: ["The address from which connections and datagrams leave the host, over IPv4. It must be the host's."],
    complete: "none",
  },
  "source-ipv6": {
    value: "ADDRESS",
    group: "Host side",
    paragraphs: ["The same over IPv6."],
    complete: "none",
  },
  "sockets": {
    value: "KIND",
    group: "Host side",
    paragraphs: [
      "By which sockets the guest's TCP connections leave. `libc`: the program's own, by system calls, which is faster. " +
      "`deno`: the runtime's, unless a source address is given.",
    ],
    complete: SOCKETS_KINDS,
  },
  ...limitHelp(),
  "pcap": {
    value: "PATH",
    group: "Observation",
    paragraphs: [
      "Write the packets of both directions to this file, for `tcpdump`, Wireshark and the like: raw IP without Ethernet " +
      "headers, with time in microseconds.",
    ],
    complete: "file",
  },
  "m": {
    value: "ADDRESS",
    group: "Observation",
    paragraphs: [
      "Serve over HTTP at `tcp://`_IP_`:`_PORT_ or `unix://`_PATH_: `/metrics` in the format of Prometheus, `/flows`, what is " +
      "open now, in JSON, and `/health`. Port 0 is any free one; a line on stderr says which.",
    ],
    complete: ["tcp://127.0.0.1:", "unix:///"],
  },
  "quiet": {
    value: "",
    group: "Observation",
    paragraphs: ["No line on stdout for each forward, and for each connection that begins, ends, or fails."],
    complete: "none",
  },
  "dns": {
    value: "",
    group: "Guest",
    paragraphs: [
      "Be a name server for the guest, at `10.0.2.3` and `fd00::3`, over UDP and TCP: what it is asked, it asks the name " +
      "servers of the host's `/etc/resolv.conf`, wherever they are. Names stay names: what the guest may reach of the " +
      "addresses that it learns is for the policy to say.",
    ],
    complete: "none",
  },
  "verbose": {
    value: "",
    group: "Observation",
    paragraphs: ["Lines on stderr about the program, its forwards and each connection, which otherwise says nothing."],
    complete: "none",
  },
  "ready-fd": {
    value: "NUMBER",
    group: "Process",
    paragraphs: [
      "An inherited file descriptor, 3 or more, to which one byte is written when traffic flows; it is closed then.",
    ],
    complete: "none",
  },
  "exit-fd": {
    value: "NUMBER",
    group: "Process",
    paragraphs: [
      "An inherited file descriptor, 3 or more, of a pipe or a socket; when its other end is closed, the program ends as " +
      "by SIGTERM.",
    ],
    complete: "none",
  },
  "user": {
    value: "USER",
    group: "Process",
    paragraphs: [
      "Become this user as soon as all is open, with the user's groups, and none of root's capabilities. _USER_ is a name " +
      "or a number, or _USER_`:`_GROUP_, to be in that group and in no other. Needs root. The parent process is told by " +
      "SIGWINCH just before, as it can't be afterwards.",
    ],
    complete: "none",
  },
  "sandbox": {
    value: "",
    group: "Process",
    paragraphs: [
      "As soon as all is open, give up the system calls that the program does not need (it starts no programs, writes to " +
      "no other files, makes no other sockets than for TCP, UDP and ping), and with Landlock the files. Where root " +
      "starts the program, give `-user` as well. For `run` it is the default, which `-sandbox=false` turns off; the command " +
      "that runs is not confined by it.",
    ],
    complete: "none",
  },
  "dhcp": {
    value: "",
    group: "Guest",
    paragraphs: [
      "Answer the guest's DHCP client, if it has one: with the address 10.0.2.100, the router, the MTU, and, over both " +
      "versions of IP, the name servers. These are the program itself with `-dns`; without, those of the host that the " +
      "guest may reach. This is the default; `-dhcp=false` is for a guest that has a DHCP server of its own.",
    ],
    complete: "none",
  },
  "slaac": {
    value: "",
    group: "Guest",
    paragraphs: [
      "Announce the prefix fd00::/64 to the guest, so that its kernel makes itself an address of it, as virtual machines " +
      "expect. It is not the default because a guest that was given fd00::100 would get, and use, a second address.",
    ],
    complete: "none",
  },
  "exit-with-parent": {
    value: "",
    group: "Process",
    paragraphs: ["End when the process ends that has started the program."],
    complete: "none",
  },
  "maxprocs": {
    value: "NUMBER",
    group: "Process",
    paragraphs: ["Has no effect, and says so. It is taken for the sake of scripts that give it."],
    complete: "none",
  },
  "version": {
    value: "",
    group: "Information",
    paragraphs: ["Print the version and the time of the build, one line each, and end."],
    complete: "none",
  },
};
