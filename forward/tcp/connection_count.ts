/**
 * Counts all TCP connections, from the guest and to it. A connection counts from its request until both its sides are
 * released, so the limit bounds descriptors as well as memory.
 *
 * @module
 */

/** Counts connections up to a limit. */
export class ConnectionCount {
  private count = 0;
  /** The number of connections that were refused because the limit was reached. */
  refused = 0;

  /**
   * @param limit how many there may be
   * @param makeRoom ends a connection that can be spared, which calls {@linkcode release}; false: there is none
   * @param ended called after each {@linkcode release}
   */
  constructor(
    readonly limit: number,
    private readonly makeRoom: () => boolean = () => false,
    private readonly ended: () => void = () => {},
  ) {}

  /** The number of connections. */
  get size(): number {
    return this.count;
  }

  /** Counts one more if there is room, or room can be made. After true, the caller calls {@linkcode release} once. */
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

  /** A counted connection is over. */
  release(): void {
    this.count--;
    this.ended();
  }
}
