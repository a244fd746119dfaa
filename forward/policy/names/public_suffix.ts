/**
 * Public suffixes: names under which anyone may have a name, such as `com`, `co.uk` and, by the private part of the list,
 * `github.io`. A wildcard at one of them is open to every stranger.
 *
 * The list is in the package tldts, as of its release. Loading it takes tens of ms, so only rules with wildcards do.
 *
 * @module
 */
import { getPublicSuffix } from "tldts";

/** Whether the canonical name is a public suffix, or has a single label. */
export function isPublicSuffix(name: string): boolean {
  return !name.includes(".") || getPublicSuffix(name, { allowPrivateDomains: true, validateHostname: false }) === name;
}
