/**
 * The process's open descriptors are shared by what needs one for each connection, question and association. UDP
 * associations are the only ones that stay open while nobody uses them. So they may have a share of the descriptors alone,
 * and when there is none left for something else, the one idle longest gives up its own.
 *
 * @module
 */

/** The share of the free descriptors that UDP associations may have: the rest is for connections and questions. */
const ASSOCIATIONS_SHARE = 1 / 2;

/** Who gives up descriptors, and how many UDP associations there may be. */
export class SpareDescriptors {
  /** Ends what can be missed best; false: there is nothing. Nobody has anything unless it is set. */
  giveUp: () => boolean = () => false;

  /** @param free how many descriptors the process may open besides those that it has */
  constructor(private readonly free: number = Infinity) {}

  /** For sockets: whether there may be a descriptor now. */
  readonly spare = (): boolean => this.giveUp();

  /** How many UDP associations there may be, of so many that are wanted. */
  associations(wanted: number): number {
    return Math.min(wanted, Math.max(1, Math.floor(this.free * ASSOCIATIONS_SHARE)));
  }
}
