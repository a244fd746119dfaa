/**
 * The metrics, served over HTTP:
 *
 * | path | answer |
 * | --- | --- |
 * | `/health` | `ok` |
 * | `/metrics` | the metrics, in Prometheus' text format |
 * | `/flows` | the open flows, as JSON |
 * | `/names` | what was used and what was refused, by name, as JSON |
 * | `/` | a page that shows the names, for browsers |
 *
 * Over TCP, flows, names and the page are served only if the request's host is an address or localhost: every client that
 * can reach the socket may see them, with one exception: a web page of a stranger in a browser that can reach it. The metrics have no addresses, and monitors ask for them by the host's name.
 *
 * @module
 */
import type { ServiceAddress } from "../syntax/service_address.ts";
import { EXPOSITION_TYPE } from "./exposition.ts";
import { flowsJson } from "./flows/flows_json.ts";
import { type HttpRequest, isOwnHost } from "../server/http_request.ts";
import { type HttpAnswer, HttpServer } from "../server/http_server.ts";
import { type Listening, listenOn } from "../server/listen.ts";
import { renderMetrics } from "./metrics.ts";
import { namesJson } from "./names/document.ts";
import { PAGE } from "./page/page.ts";
import type { MetricsSource, NamesSource } from "./source.ts";

/** The HTTP server of `-m`. */
export class MetricsServer {
  /** Where it listens, for people: `127.0.0.1:9100`, or the path of the socket. */
  readonly address: string;
  private source: MetricsSource | null = null;
  private readonly http: HttpServer;

  private constructor(private readonly listening: Listening, acceptFailed: (() => void) | undefined) {
    this.address = listening.address;
    this.http = new HttpServer({
      listener: listening.listener,
      answer: (request) => this.answer(request),
      whenFull: "end oldest", // so that clients which are stuck keep no monitor out
      acceptFailed,
    });
  }

  /** Listens. `acceptFailed` is as in {@linkcode HttpServer}'s options. Rejects with a HostError. */
  static async listen(address: ServiceAddress, acceptFailed?: () => void): Promise<MetricsServer> {
    return new MetricsServer(await listenOn(address), acceptFailed);
  }

  /** From now on, serves metrics and flows. Until then they are "not found". */
  show(source: MetricsSource): void {
    this.source = source;
  }

  /** Closes the server, and removes its socket. */
  close(): void {
    this.http.close();
    this.listening.remove();
  }

  private answer({ path, host }: HttpRequest): HttpAnswer {
    const { source } = this;
    if (path === "/health") return { status: 200, type: "text/plain", body: "ok" };
    if (path === "/metrics" && source !== null) {
      return { status: 200, type: EXPOSITION_TYPE, body: renderMetrics(source) };
    }
    const answer = source === null ? null : privateAnswer(path, source);
    if (answer === null) return { status: 404, type: "text/plain", body: "Not Found\n" };
    if (this.listening.network === "tcp" && !isOwnHost(host)) {
      return { status: 421, type: "text/plain", body: "ask for an IP address, or for localhost\n" };
    }
    return answer();
  }
}

/** Makes the answer at a path whose contents are the guest's affair; null: there is no such path. */
function privateAnswer(path: string, source: MetricsSource): (() => HttpAnswer) | null {
  switch (path) {
    case "/flows":
      return () => ({ status: 200, type: "application/json", body: flowsJson(source.flows()) });
    case "/names":
      return () => ({ status: 200, type: "application/json", body: namesOf(source.names) });
    case "/":
      return () => ({ status: 200, type: "text/html; charset=utf-8", body: PAGE });
    default:
      return null;
  }
}

function namesOf(names: NamesSource): Iterable<string> {
  const head = { version: 1, seconds: performance.now() / 1_000, limit: names.usage.limit } as const;
  return namesJson(head, names.lines(), names.other);
}
