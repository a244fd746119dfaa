/**
 * One end of QUIC connections, by Deno's own implementation: a server that says back what it hears, or a client.
 *
 *     quic_end.ts server CERTIFICATE KEY ADDRESS     prints "ready", and "heard TEXT" for each stream
 *     quic_end.ts client CERTIFICATE HOST [NAME]     prints the answer; NAME is shown instead of HOST
 *
 * @module
 */
const [role, certificate = "", ...rest] = Deno.args;
const ALPN = ["h3"];

async function text(stream: ReadableStream<Uint8Array>): Promise<string> {
  let all = "";
  for await (const part of stream.pipeThrough(new TextDecoderStream())) all += part;
  return all;
}

async function say(stream: WritableStream<Uint8Array>, what: string): Promise<void> {
  const writer = stream.getWriter();
  await writer.write(new TextEncoder().encode(what));
  await writer.close();
}

async function serve(key: string, hostname: string): Promise<void> {
  const endpoint = new Deno.QuicEndpoint({ hostname, port: 443 });
  const cert = await Deno.readTextFile(certificate);
  const listener = endpoint.listen({ cert, key: await Deno.readTextFile(key), alpnProtocols: ALPN });
  console.log("ready");
  for (;;) {
    const connection = await listener.accept();
    for await (const { readable, writable } of connection.incomingBidirectionalStreams) {
      const heard = await text(readable);
      console.log(`heard ${heard}`);
      await say(writable, `Hello, ${heard}`);
      break;
    }
  }
}

async function connect(hostname: string, serverName: string): Promise<void> {
  const caCerts = [await Deno.readTextFile(certificate)];
  const connection = await Deno.connectQuic({ hostname, port: 443, serverName, alpnProtocols: ALPN, caCerts });
  const { readable, writable } = await connection.createBidirectionalStream();
  await say(writable, serverName);
  console.log(await text(readable));
  connection.close();
}

if (role === "server") await serve(rest[0] ?? "", rest[1] ?? "");
else await connect(rest[0] ?? "", rest[1] ?? rest[0] ?? "");
