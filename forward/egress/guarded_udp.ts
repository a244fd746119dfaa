/**
 * An association of the guest with a name whose datagrams must show that name before any of them leaves.
 *
 * A refused datagram is answered with ICMP administratively prohibited.
 *
 * @module
 */
import { RemoteUdpAssociation } from "../forwards/remote/udp_association.ts";
import type { QuicAdmission } from "../gate/quic_admission.ts";
import type { RefusalReason } from "../policy/names/reasons.ts";
import type { FlowVerdict } from "../report/verdicts.ts";

/** Such an association. */
export class GuardedUdpAssociation extends RemoteUdpAssociation {
  /** The last refusal: a client repeats its datagrams. */
  private refusal: RefusalReason | null = null;

  /**
   * @param parts those of the association
   * @param admission judges its datagrams
   * @param judged called with each verdict; for a refusal like the last one it is not called again
   */
  constructor(
    parts: ConstructorParameters<typeof RemoteUdpAssociation>,
    private readonly admission: QuicAdmission,
    private readonly judged: (verdict: FlowVerdict) => void,
  ) {
    super(...parts);
  }

  override sent(bytes: Uint8Array, offset: number, length: number): void {
    const { admission, owner } = this;
    const answer = admission.judge(bytes, offset, offset + length);
    switch (answer.is) {
      case "pass":
        return this.pass(bytes, offset, length);
      case "hold":
        return;
      case "admit":
        this.refusal = null;
        this.judged(answer.verdict);
        for (const datagram of answer.datagrams) this.pass(datagram, 0, datagram.length);
        return;
      default:
        owner.lost(this, "prohibited", bytes.slice(offset, offset + length), length);
        if (answer.verdict.refusal !== this.refusal) this.judged(answer.verdict);
        this.refusal = answer.verdict.refusal;
    }
  }

  protected override finish(): void {
    this.admission.forget();
    super.finish();
  }
}
