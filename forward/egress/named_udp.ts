/**
 * The guest's datagrams to addresses that stand for names (naming.ts): to the policy, each address and port is a remote forward whose target is the
 * name (forwards/remote/udp_associations.ts), made by the first datagram and gone with its last association.
 *
 * | event | action |
 * | --- | --- |
 * | the address stands for no name any more | the datagram is dropped; ICMP administratively prohibited |
 * | no rule allows the name and port, or the name's addresses are refused | the same |
 * | the name has no address | ICMP host unreachable |
 *
 * The verdict on an address and port holds until the rules change.
 *
 * @module
 */
import { EndReasons } from "../report/end_report.ts";
import { type Endpoint, IpAddress } from "../../stack/base/address.ts";
import type { RemoteForward } from "../forwards/remote/table.ts";
import { RemoteUdpAssociation } from "../forwards/remote/udp_association.ts";
import { RemoteUdpAssociations, type RemoteUdpAssociationsOptions } from "../forwards/remote/udp_associations.ts";
import { LookupError } from "../names/lookup.ts";
import type { NameDemand } from "../policy/names/demand.ts";
import { endReason, EndReport } from "../report/end_report.ts";
import type { FlowVerdict } from "../report/verdicts.ts";
import type { FlowObserver, NamedFlow, RemoteForwardObserver } from "../report/flow_observers.ts";
import type { GuestDatagram } from "../udp/associations.ts";
import { endpointKey, type Key } from "../udp/keys.ts";
import type { FlowGate } from "../gate/gate.ts";
import { GuardedUdpAssociation } from "./guarded_udp.ts";
import type { Attempt, EgressRules } from "./egress_rules.ts";
import type { NameTargets } from "./name_targets.ts";
import type { NameEntry, Naming } from "./naming.ts";

/** The options of {@linkcode NamedUdp}. */
export interface NamedUdpOptions extends Omit<RemoteUdpAssociationsOptions, "observers" | "unused"> {
  readonly rules: EgressRules;
  readonly naming: Naming;
  readonly targets: NameTargets;
  /** Judges the datagrams of flows that must show their name. */
  readonly gate: FlowGate;
  readonly observer: FlowObserver;
}

/** An address and port that the guest sends to. */
interface NamedForward extends RemoteForward {
  readonly entry: NameEntry;
  readonly demand: NameDemand | null;
  readonly named: NamedFlow;
}

/** The guest's datagrams to names. */
export class NamedUdp {
  private readonly forwards = new Map<Key, NamedForward>();
  private readonly associations: RemoteUdpAssociations;

  constructor(private readonly options: NamedUdpOptions) {
    this.associations = new RemoteUdpAssociations({
      ...options,
      observers: (bind) => this.observerFor(bind),
      unused: (forward) => this.drop(forward),
      make: (guest, forward, owner, observer) => this.associate(guest, forward, owner, observer),
    });
  }

  /** The number of associations. */
  get size(): number {
    return this.associations.size;
  }

  /** Takes a datagram of the guest to an address that stands for names. */
  takeDatagram(datagram: GuestDatagram): void {
    const { bytes, localAddress, version, localPort } = datagram;
    const known = this.forwards.get(endpointKey(bytes, localAddress, version, localPort));
    const forward = known ?? this.judged(datagram);
    if (forward === null) datagram.unreachable("prohibited");
    else this.associations.takeDatagram(datagram, forward);
  }

  /** The guest reports by ICMP that its port is closed. */
  guestUnreachable(local: Endpoint, guest: Endpoint): void {
    const forward = this.forwards.get(keyOf(local));
    if (forward !== undefined) this.associations.guestUnreachable(forward, guest);
  }

  /** Ends the associations that the rules refuse now. */
  judgeAgain(): void {
    for (const forward of this.forwards.values()) {
      if (!this.isStillAllowed(forward)) this.associations.endAll(forward, EndReasons.REVOKED);
    }
  }

  private judged(datagram: GuestDatagram): NamedForward | null {
    const { bytes, localAddress, version, localPort: port } = datagram;
    const { rules, naming } = this.options;
    const guest = { address: IpAddress.at(bytes, datagram.guestAddress, version), port: datagram.guestPort };
    const bind = { address: IpAddress.at(bytes, localAddress, version), port };
    const entries = naming.at(bytes, localAddress, version);
    if (entries.length === 0) {
      rules.refusedAddress("udp", bind, guest);
      return null;
    }
    const from = { guest, to: bind }, verdict = rules.decide("udp", entries, port, from);
    if (verdict === null) return null;
    const { entry, demand, rule } = verdict;
    const named = { name: entry.name, own: bind, rule: rule.text, isHeld: demand !== null };
    const forward = { bind, target: this.targetOf(entry, from), oneAnswer: false, entry, demand, named };
    this.forwards.set(keyOf(bind), forward);
    entry.flows++;
    naming.touch(entry);
    return forward;
  }

  private associate(...parts: ConstructorParameters<typeof RemoteUdpAssociation>): RemoteUdpAssociation {
    const [guest, { bind }] = parts, { gate, rules, observer } = this.options;
    const found = this.forwards.get(keyOf(bind));
    if (found === undefined || found.demand === null) return new RemoteUdpAssociation(...parts);
    const judged = (verdict: FlowVerdict) => {
      const { refusal, shown } = verdict;
      observer.judged?.(guest, found.named, verdict);
      if (refusal !== null) rules.refusedFlow("udp", found.entry.name, bind.port, refusal, shown);
    };
    return new GuardedUdpAssociation(parts, gate.admission(found.demand), judged);
  }

  private isStillAllowed({ entry, bind, demand }: NamedForward): boolean {
    return this.options.rules.stillAllows("udp", entry.name, bind.port, demand);
  }

  private drop(forward: RemoteForward): void {
    const key = keyOf(forward.bind), found = this.forwards.get(key);
    if (found !== forward || found === undefined) return;
    this.forwards.delete(key);
    found.entry.flows--;
  }

  private targetOf(entry: NameEntry, from: Attempt): RemoteForward["target"] {
    const { targets, rules } = this.options, { name } = entry, { address, port } = from.to;
    return {
      name,
      fixed: null,
      known: () => null,
      ask: () =>
        new Promise((resolve, reject) => {
          targets.find("udp", entry, port, address.version, (found) => {
            if (found.kind === "targets") return resolve(found.targets[0]);
            if (found.kind === "none") return reject(new LookupError(`lookup ${name}: no such host`));
            rules.refused("udp", name, port, found.reason, from);
            reject(new LookupError(`lookup ${name}: ${found.address} is refused by the policy`, { prohibited: true }));
          });
        }),
    };
  }

  /** Flows to names have the lines of the guest's other associations. */
  private observerFor(bind: Endpoint): RemoteForwardObserver {
    const { observer } = this.options, named = this.forwards.get(keyOf(bind))?.named;
    return {
      opened: (guest, local, remote, traffic) => observer.opened(guest, local, remote, traffic, named),
      done: (guest, local, remote, ends) => observer.done(guest, local, remote, ends, named),
      failed: observer.failed.bind(observer),
      unresolved: (guest: Endpoint, _target: string, reason: string) => {
        const ends = new EndReport();
        ends.record("r-write", endReason(new LookupError(reason)));
        observer.failed(guest, bind, ends);
      },
    };
  }
}

function keyOf({ address, port }: Endpoint): Key {
  return endpointKey(address.bytes, 0, address.version, port);
}
