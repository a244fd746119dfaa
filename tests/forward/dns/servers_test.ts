import { NameServers } from "../../../forward/dns/servers.ts";
import { nameServersUnreadable } from "../../../forward/report/contract_lines.ts";
import { assertEquals } from "../../assert.ts";

class Files {
  now = 0;
  reads = 0;
  readonly servers: NameServers = new NameServers({
    now: () => this.now,
    read: () => {
      this.reads++;
      if (this.text === null) throw Object.assign(new Error("no such file"), { code: this.code });
      return this.text;
    },
    unreadable: (problem) => this.said.push(nameServersUnreadable(problem.path, problem.reason, problem.asked)),
  });
  /** The error where there is no text. */
  code = "ENOENT";
  readonly said: string[] = [];

  constructor(public text: string | null) {}

  plan(network: "udp" | "tcp" = "udp"): string {
    const { servers, rounds, patience } = this.servers.plan(network);
    return `${servers.map(({ address }) => address).join(" ")}, ${rounds} x ${patience}`;
  }
}

Deno.test("the file is checked once a second, on demand", () => {
  const files = new Files("nameserver 192.0.2.1");
  assertEquals(files.plan(), "192.0.2.1, 2 x 5000");
  files.text = "nameserver 192.0.2.2";
  files.now = 999;
  assertEquals(files.plan(), "192.0.2.1, 2 x 5000", "files plan");
  assertEquals(files.reads, 1, "reads of the file");
  files.now = 1000;
  assertEquals(files.plan(), "192.0.2.2, 2 x 5000");
  files.now = 2000;
  files.text = null;
  assertEquals(files.plan(), "192.0.2.2, 2 x 5000");
});

Deno.test("a missing file is the same as an empty one", () => {
  const files = new Files("");
  files.text = null;
  assertEquals(files.plan(), "127.0.0.1, 2 x 5000");
});

Deno.test("all servers share the time of one, with a second each at least, and none takes minutes", () => {
  assertEquals(new Files("nameserver 1.1.1.1\nnameserver 2.2.2.2").plan(), "1.1.1.1 2.2.2.2, 2 x 2500");
  const short = "nameserver 1.1.1.1\nnameserver 2.2.2.2\noptions timeout:1 attempts:3";
  assertEquals(new Files(short).plan(), "1.1.1.1 2.2.2.2, 3 x 1000");
  assertEquals(new Files("nameserver 1.1.1.1\noptions timeout:30 attempts:5").plan(), "1.1.1.1, 1 x 30000");
});

Deno.test("a server that failed is asked after the others for a while, over that network only", () => {
  const files = new Files("nameserver 1.1.1.1\nnameserver 2.2.2.2");
  const [first] = files.servers.plan("udp").servers;
  files.servers.failed("udp", first!);
  assertEquals(files.plan(), "2.2.2.2 1.1.1.1, 2 x 2500", "files plan");
  assertEquals(files.plan("tcp"), "1.1.1.1 2.2.2.2, 2 x 2500", "files plan tcp");
  files.now = 30_000;
  assertEquals(files.plan(), "1.1.1.1 2.2.2.2, 2 x 2500");
  files.servers.failed("udp", first!);
  files.servers.answered("udp", first!);
  assertEquals(files.plan(), "1.1.1.1 2.2.2.2, 2 x 2500");
});

Deno.test("rotate: each is asked first in turn", () => {
  const files = new Files("nameserver 1.1.1.1\nnameserver 2.2.2.2\noptions rotate");
  const firsts = [0, 1, 2].map(() => files.plan().split(" ")[0]);
  assertEquals(firsts, ["1.1.1.1", "2.2.2.2", "1.1.1.1"]);
});

Deno.test("a file that can't be read is reported once, and again after it could be read", () => {
  const files = new Files(null);
  files.code = "EACCES";
  assertEquals(files.plan(), "127.0.0.1, 2 x 5000");
  const line = (server: string) => `[!] /etc/resolv.conf can't be read, so ${server} is asked for names: no such file`;
  assertEquals(files.said, [line("127.0.0.1")]);
  files.now = 1000;
  files.plan();
  assertEquals(files.said.length, 1, "once");
  files.now = 2000;
  files.text = "nameserver 192.0.2.1";
  assertEquals(files.plan(), "192.0.2.1, 2 x 5000");
  files.now = 3000;
  files.text = null;
  assertEquals(files.plan(), "192.0.2.1, 2 x 5000");
  assertEquals(files.said.slice(1), [line("192.0.2.1")]);
});

Deno.test("a missing file is not reported", () => {
  const files = new Files(null);
  assertEquals(files.plan(), "127.0.0.1, 2 x 5000");
  assertEquals(files.said, []);
});
