/**
 * When the executable was built, for `-version`. Compiling puts another module in the place of this one.
 *
 * @module
 */

/** `YYYY-MM-DD-HH:MMUTC`; null: run from source. */
export const buildTime: string | null = null;
