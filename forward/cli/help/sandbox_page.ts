/**
 * The help page about `-sandbox` and `-user`.
 *
 * @module
 */
import type { Section } from "./page.ts";

/** The privileges that the program gives up, and those that it keeps. */
export const SANDBOX: readonly Section[] = [
  {
    title: "Sandbox",
    blocks: [
      "The program needs privileges only at its start: to open the device, and to listen on low ports. When " +
      "everything is open, before it reads the guest's first frame, it can give them up. A guest that finds a fault " +
      "in the program then gains little by it. `-sandbox` needs no privileges, and is the default with `run`, whose " +
      "command it does not restrict. `-user` needs root. If root starts the program, use both.",
      "`-sandbox` takes away:",
      {
        terms: [
          [
            "system calls",
            "All but a list. There is no new process or program, no ptrace, mount, namespace, BPF, keyring or " +
            "io_uring, and no signal to an unrelated process.",
          ],
          [
            "sockets",
            "All but TCP, UDP and ICMP over IP: no netlink or packet sockets, no firewall options, and no connection " +
            "to the host's Unix sockets, such as those of D-Bus or a container engine.",
          ],
          [
            "writing files",
            "Only files that are already open can be written: the capture and the log. The socket of `-m unix://` " +
            "can be removed at the end.",
          ],
          [
            "reading files",
            "Landlock leaves `/etc`, libraries, the other files that name lookups read, and the process's own folder " +
            "in `/proc`. Root reads only what everybody may read of these, so not `/etc/shadow`.",
          ],
          [
            "capabilities",
            "Root keeps CAP_NET_ADMIN, for larger receive buffers, and with `-icmp auto` CAP_NET_RAW, for pings.",
          ],
        ],
      },
      "The device, the forwards and the metrics server stay open, and new connections, datagrams, pings and name " +
      "lookups work as before. A call that is taken away fails with an error; nothing is killed.",
      "The rules about reading files and capabilities hold for the program's main thread and its new threads; from " +
      "Linux 7.0 on, that about files holds for all threads. The runtime's other threads keep the rights of the " +
      "user, so root should use `-user` too. Without Landlock in the kernel, files stay readable, and a line on " +
      "stderr says so.",
      "Names that only a service on a Unix socket knows (nscd, Avahi) are not found. With `-m unix://` as root " +
      "without `-user`, a file of `/etc` that is replaced is not read again.",
      "`-user` changes the user and the groups of all threads, and so drops all of root's capabilities. Pings of " +
      "`-icmp auto` then need `net.ipv4.ping_group_range`, no receive buffer is larger than `net.core.rmem_max`, and " +
      "the socket of `-m unix://` stays behind at the end unless the user may remove files in its folder.",
    ],
  },
  {
    title: "Examples",
    blocks: [
      "A guest of root's, served by a user without privileges:",
      { code: ["slirpnetstack -netns /run/netns/guest -user nobody -sandbox"] },
    ],
  },
];
