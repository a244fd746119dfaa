/**
 * A table of forwards on a host that only notes what it is asked for.
 *
 * @module
 */
import type { LocalForward } from "../../../forward/forwards/local/forward.ts";
import { type RemoteForward, RemoteForwards } from "../../../forward/forwards/remote/table.ts";
import { ForwardTable, type LocalListener } from "../../../forward/forwards/table.ts";
import type { HostError } from "../../../forward/host/host_network.ts";
import { DEFAULT_LIMITS } from "../../../forward/limits/limits.ts";
import { formatHost } from "../../../forward/syntax/forward_spec.ts";
import { formatEndpoint } from "../../../stack/base/address.ts";
import { FakeNames } from "./fake_host.ts";
import { endpoint, seededRandom } from "./fakes.ts";

/** A table of forwards, and what it did. */
export class FakeForwards {
  readonly names: FakeNames = new FakeNames({
    addresses: { here: "127.0.0.1", guest: "10.0.2.50" },
    services: { svc: "0 0 99 here" },
  });
  /** What was listened for: `tcp 127.0.0.1:80 10.0.2.100:80`, and what is special about it. */
  readonly listeners: string[] = [];
  /** Where it was listened, of those that were closed. */
  readonly closed: string[] = [];
  /** The same for remote forwards that were removed. */
  readonly removed: string[] = [];
  readonly lines: string[] = [];
  /** What the names of targets were found to stand for. */
  readonly checked: string[] = [];
  readonly remoteTcp: RemoteForwards = new RemoteForwards();
  readonly remoteUdp: RemoteForwards = new RemoteForwards();
  /** What listening fails with; null: it doesn't. */
  failure: HostError | null = null;
  readonly table: ForwardTable;

  constructor(limit: number = DEFAULT_LIMITS.forwards) {
    const removed = ({ bind }: RemoteForward) => this.removed.push(formatEndpoint(bind));
    this.table = new ForwardTable({
      names: this.names,
      ttl: 0,
      now: () => 0,
      random: seededRandom(1),
      localTcp: { listen: (forward) => this.listen("tcp", forward) },
      localUdp: { listen: (forward) => this.listen("udp", forward) },
      remoteTcp: { forwards: this.remoteTcp, removed },
      remoteUdp: { forwards: this.remoteUdp, removed },
      guard: {
        check: (network, host, answer) => {
          this.checked.push(`${network} ${formatHost(host)} ${formatEndpoint(answer)}`);
        },
      },
      line: (text) => this.lines.push(text),
      log: null,
      limit,
    });
  }

  /** The remote forward for TCP or UDP that is bound there. */
  find(forwards: RemoteForwards, text: string): RemoteForward | null {
    return forwards.at(endpoint(text));
  }

  private listen(network: string, { bind, target, oneAnswer, proxyProtocol, oneVersion }: LocalForward): LocalListener {
    if (this.failure !== null) throw this.failure;
    const special = { "one answer": oneAnswer, "proxy protocol": proxyProtocol, "one version": oneVersion };
    const words = Object.entries(special).flatMap(([word, has]) => has === true ? [` ${word}`] : []);
    this.listeners.push(`${network} ${formatEndpoint(bind)} ${target}${words.join("")}`);
    const local = { ...bind, port: bind.port || 49_999 };
    return { local, close: () => this.closed.push(`${network} ${formatEndpoint(local)}`) };
  }
}
