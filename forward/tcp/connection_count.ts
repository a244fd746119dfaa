/**
 * The number of TCP connections in all: of the guest, through whatever forward, and to it. One stands for a connection
 * from the moment that it is wanted until both its sides are released, so it bounds descriptors as well as memory.
 *
 * @module
 */

/** See the module's text. */
export class ConnectionCount {
  private count = 0;
  /** Connections that did not come about because there were too many. */
  refused = 0;

  /**
   * @param limit how many there may be
   * @param makeRoom ends one that nobody will miss, which gives back what it took; false: there is none
   * @param ended called after each {@linkcode release}
   */
  constructor(
    readonly limit: number,
    private readonly makeRoom: () => boolean = () => false,
    private readonly ended: () => void = () => {},
  ) {}

  /** How many there are. */
  get size(): number {
    return this.count;
  }

  /** Counts one more, if there is room or can be made. Whoever got true calls {@linkcode release} once. */
  take(): boolean {
    while (this.count >= this.limit) {
      if (!this.makeRoom()) {
        this.refused++;
        return false;
      }
    }
    this.count++;
    return true;
  }

  /** One is over. */
  release(): void {
    this.count--;
    this.ended();
  }
}
