/**
 * The error of all parsers of values that a person wrote.
 *
 * @module
 */

/**
 * A value of the configuration is invalid. The message is only the reason, in the words of the Go program where it has
 * some. The caller that reports it adds the value and the flag.
 */
export class InvalidValue extends Error {
  override name = "InvalidValue";
}
