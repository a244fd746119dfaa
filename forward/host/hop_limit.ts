/**
 * The hop limits of the guest's packets on the host's side. This program takes one hop, as a router does.
 *
 * @module
 */

/**
 * Hop limits of at least this are ordinary: hosts begin with 64, 128 or 255, and routers behind the guest take a few. The
 * host's own hop limit replaces them. A lower one is set on purpose, as by traceroute (up to 30), and is kept.
 */
const USUAL_HOP_LIMIT = 48;

/** The hop limit for the host's packet: one less than a low one; 0, the system's default, for an ordinary one. */
export function onwardHopLimit(hopLimit: number): number {
  return hopLimit < USUAL_HOP_LIMIT ? hopLimit - 1 : 0;
}
