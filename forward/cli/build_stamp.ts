/**
 * When the executable was built, for `-version`. Compiling replaces this module.
 *
 * @module
 */

/** `YYYY-MM-DD-HH:MMUTC`; null: run from source. */
export const buildTime: string | null = null;
