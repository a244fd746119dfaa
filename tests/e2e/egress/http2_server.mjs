/**
 * An HTTPS server that speaks HTTP/2 and HTTP/1.1.
 *
 *     node http2_server.mjs CERTIFICATE KEY ADDRESS PORT
 *
 * Prints "ready" when it listens, and "NAME VERSION" for each request, with the name of the ClientHello.
 */
import { readFileSync } from "node:fs";
import { createSecureServer } from "node:http2";
import process from "node:process";

const [certificate, key, address, port] = process.argv.slice(2);
const server = createSecureServer({ cert: readFileSync(certificate), key: readFileSync(key), allowHTTP1: true });
server.on("request", (request, response) => {
  const { socket } = request.stream?.session ?? request;
  console.log(socket.servername, request.httpVersion);
  response.end("hello\n");
});
server.listen(Number(port), address, () => console.log("ready"));
