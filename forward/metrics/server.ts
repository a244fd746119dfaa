/**
 * The metrics, served over HTTP:
 *
 * | path | answer |
 * | --- | --- |
 * | `/health` | `ok` |
 * | `/metrics` | the metrics, in Prometheus' text format |
 * | `/flows` | the open flows, as JSON |
 *
 * @module
 */
import type { MetricsAddress } from "./address.ts";
import { EXPOSITION_TYPE } from "./exposition.ts";
import { flowsJson } from "./flows_json.ts";
import { type HttpAnswer, HttpServer } from "./http_server.ts";
import { type Listening, listenOn } from "./listen.ts";
import { renderMetrics } from "./metrics.ts";
import type { MetricsSource } from "./source.ts";

/** See the module's text. */
export class MetricsServer {
  /** Where it listens, for people: `127.0.0.1:9100`, or the path of the socket. */
  readonly address: string;
  private source: MetricsSource | null = null;
  private readonly http: HttpServer;

  private constructor(private readonly listening: Listening) {
    this.address = listening.address;
    this.http = new HttpServer({ listener: listening.listener, answer: (path) => this.answer(path) });
  }

  /** Listens. Rejects with a HostError. */
  static async listen(address: MetricsAddress): Promise<MetricsServer> {
    return new MetricsServer(await listenOn(address));
  }

  /** From now on there are metrics and flows; until then they are "not found". */
  show(source: MetricsSource): void {
    this.source = source;
  }

  /** Ends it, and removes its socket. */
  close(): void {
    this.http.close();
    this.listening.remove();
  }

  private answer(path: string): HttpAnswer {
    const { source } = this;
    if (path === "/health") return { status: 200, type: "text/plain", body: "ok" };
    if (path === "/metrics" && source !== null) {
      return { status: 200, type: EXPOSITION_TYPE, body: renderMetrics(source) };
    }
    if (path === "/flows" && source !== null) {
      return { status: 200, type: "application/json", body: flowsJson(source.flows()) };
    }
    return { status: 404, type: "text/plain", body: "Not Found\n" };
  }
}
