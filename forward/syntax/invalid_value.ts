/**
 * The error of everything that reads a value which a person wrote.
 *
 * @module
 */

/**
 * A value of the configuration can't be understood. The message is the bare reason, in the words of the Go program
 * where it has some: who reports it adds the value and the flag.
 */
export class InvalidValue extends Error {
  override name = "InvalidValue";
}
