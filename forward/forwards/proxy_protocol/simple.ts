/**
 * The Simple Proxy Protocol for UDP (developers.cloudflare.com/spectrum, "Simple Proxy Protocol for UDP"): 38 bytes
 * before the data of each datagram, in which a proxy gives the address of its client. All numbers are big-endian; an IPv4
 * address is written as an IPv4-mapped IPv6 address.
 *
 *     magic 56ec (2)   client address (16)   proxy address (16)   client port (2)   proxy port (2)
 *
 * @module
 */
import { type Endpoint, IpAddress } from "../../../stack/base/address.ts";
import { get16 } from "../../../stack/base/bytes.ts";
import { unmap } from "../../addresses/mapped.ts";

/** The length of the header. */
export const SIMPLE_PROXY_HEADER = 38;

const MAGIC = 0x56ec;
const CLIENT_ADDRESS = 2, PROXY_ADDRESS = 18, CLIENT_PORT = 34, PROXY_PORT = 36;

/** The contents of the header. */
export interface SimpleProxyHeader {
  readonly client: Endpoint;
  /** The address and port that the client sent the datagram to. */
  readonly proxy: Endpoint;
}

/** Parses the header of the datagram `bytes[0..length)`; null: it has none. */
export function parseSimpleProxyHeader(bytes: Uint8Array, length: number): SimpleProxyHeader | null {
  if (length < SIMPLE_PROXY_HEADER || get16(bytes, 0) !== MAGIC) return null;
  const endpoint = (address: number, port: number) => ({
    address: unmap(IpAddress.at(bytes, address, 6)),
    port: get16(bytes, port),
  });
  return { client: endpoint(CLIENT_ADDRESS, CLIENT_PORT), proxy: endpoint(PROXY_ADDRESS, PROXY_PORT) };
}
