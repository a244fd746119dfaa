/**
 * The help page about the program in place of pasta.
 *
 * @module
 */
import type { Section } from "./page.ts";

/** How the program stands in for pasta, and what differs from pasta. */
export const PASTA_PAGE: readonly Section[] = [
  {
    title: "In place of pasta",
    blocks: [
      "`slirpnetstack pasta` takes the options of pasta that podman, buildah and RootlessKit use, and serves the guest as " +
      "pasta does. The executable does the same when it is called by the name `pasta`, such as that of a symbolic link. " +
      "`slirpnetstack pasta --help` lists the options. An option that is not among them is an error, with status 1.",
      "The guest has the addresses, the gateway and the interface name of the host, unless others are given. It reaches " +
      "all that the host reaches. The gateway is the host's loopback, unless `--no-map-gw` is given. The address of " +
      "`--map-guest-addr` is the host itself, and that of `--dns-forward` is the name server.",
      "With status 0 the guest is served, by a process in the background. It ends with status 0 on SIGTERM, and when the " +
      "path of the guest's network namespace is removed. With `--foreground` there is no other process.",
    ],
  },
  {
    title: "Differences from pasta",
    blocks: [{
      terms: [
        [
          "`-t auto`, `-u auto`, `all`",
          "follow what listens in the guest on all its addresses. A socket on the guest's loopback is not reached.",
        ],
        ["`-T`, `-U`", "take `none` only: the guest reaches a port of the host at the gateway's address."],
        ["commands", "are run by `slirpnetstack run`, not in place of pasta."],
        ["routes", "of the host are not copied, except for the default routes."],
      ],
    }],
  },
  {
    title: "Examples",
    blocks: [
      "A guest that a process is in, with its port 80 published as 8080:",
      { code: ["slirpnetstack pasta --config-net -t 8080:80 4711"] },
    ],
  },
];
