/**
 * Shares the process's descriptors among connections, DNS questions and UDP associations, each of which needs one. Only UDP
 * associations stay open while nobody uses them. So they may have only a share of the descriptors, and when none is left
 * for something else, the association idle longest is closed.
 *
 * @module
 */

/** The share of the free descriptors that UDP associations may have: the rest is for connections and questions. */
const ASSOCIATIONS_SHARE = 1 / 2;

/** Decides how many UDP associations there may be, and takes a descriptor from them when none is left. */
export class SpareDescriptors {
  /** Ends the association idle longest; false: there is none. Set by the owner of the associations. */
  giveUp: () => boolean = () => false;

  /** @param free how many descriptors the process may open besides those that it has */
  constructor(private readonly free: number = Infinity) {}

  /** Called when a socket finds no descriptor; returns whether one was freed. */
  readonly spare = (): boolean => this.giveUp();

  /** How many of the `wanted` UDP associations there may be. */
  associations(wanted: number): number {
    return Math.min(wanted, Math.max(1, Math.floor(this.free * ASSOCIATIONS_SHARE)));
  }
}
