/**
 * A world whose hosts serve files over HTTPS under names of the internet: a registry of npm, a repository of git and of
 * Debian. A host in the lab asks a name server for these names, and trusts their certificate.
 *
 * @module
 */
import { Lab, WORLD } from "../../../scripts/lab/lab.ts";
import { check, type Process } from "../../../scripts/lab/process.ts";
import { startResolver } from "../../../scripts/lab/services.ts";

/** The lab, its server of files and its name server. */
export class FilesBed implements AsyncDisposable {
  private constructor(
    readonly lab: Lab,
    readonly server: Process,
    readonly resolver: Process,
    /** The path of the certificate of who has signed that of all names. */
    readonly certificate: string,
    /** The path of a resolv.conf with the name server. */
    readonly resolvConf: string,
    /** The folder that is served. */
    readonly served: string,
  ) {}

  /** Makes it: all the names stand for the world's address. */
  static async create(names: readonly string[], lab?: Lab): Promise<FilesBed> {
    const world = lab ?? await Lab.create();
    const { directory } = world, certificate = `${directory}/cert.pem`, key = `${directory}/key.pem`;
    const [served, resolvConf] = [`${directory}/served`, `${directory}/files.conf`];
    await Deno.mkdir(served);
    await Deno.writeTextFile(resolvConf, "nameserver 127.0.0.53\n");
    const issue = (subject: string, to: readonly [certificate: string, key: string], more: readonly string[]) =>
      check([
        ...["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"],
        ...["-subj", `/CN=${subject}`, "-out", to[0], "-keyout", to[1], ...more],
      ]);
    const [own, ownKey] = [`${directory}/own.pem`, `${directory}/own-key.pem`];
    await issue("authority", [certificate, key], []);
    const alternatives = `subjectAltName=${names.map((name) => `DNS:${name}`).join(",")}`;
    const signed = ["-CA", certificate, "-CAkey", key, "-addext", "basicConstraints=critical,CA:FALSE"];
    await issue("server", [own, ownKey], [...signed, "-addext", alternatives]);
    const addresses = Object.fromEntries(names.map((name) => [name, WORLD.v4]));
    const resolver = await startResolver(world, world.host, ["127.0.0.53"], addresses);
    const program = new URL("files_server.py", import.meta.url).pathname;
    const server = world.start(world.world, ["python3", "-B", program, own, ownKey, served, WORLD.v4, WORLD.v6]);
    await server.line("stdout", /^ready$/);
    return new FilesBed(world, server, resolver, certificate, resolvConf, served);
  }

  /** A command line that runs a command with that resolv.conf. */
  get asHost(): string[] {
    return ["unshare", "--mount", "sh", "-ec", 'mount --bind "$0" /etc/resolv.conf; exec "$@"', this.resolvConf];
  }

  /** Makes a project that depends on a package of npm's registry, which is served. Returns the project's folder. */
  async makeNpmProject(): Promise<string> {
    const at = `${this.lab.directory}/project`, name = "greeting", path = `${name}/-/${name}-1.0.0.tgz`;
    await Deno.mkdir(`${at}/package`, { recursive: true });
    await Deno.mkdir(`${this.served}/${name}/-`, { recursive: true });
    const write = (file: string, content: unknown) => Deno.writeTextFile(`${at}/${file}`, JSON.stringify(content));
    await write("package/package.json", { name, version: "1.0.0", main: "index.js" });
    await Deno.writeTextFile(`${at}/package/index.js`, `module.exports = "hello";`);
    await check(["tar", "-czf", `${this.served}/${path}`, "-C", at, "package"]);
    const digest = await crypto.subtle.digest("SHA-512", await Deno.readFile(`${this.served}/${path}`));
    const integrity = `sha512-${btoa(String.fromCharCode(...new Uint8Array(digest)))}`;
    const root = { name: "app", version: "1.0.0", dependencies: { [name]: "1.0.0" } };
    const resolved = `https://registry.npmjs.org/${path}`;
    const packages = { "": root, [`node_modules/${name}`]: { version: "1.0.0", resolved, integrity } };
    await write("package.json", root);
    await write("package-lock.json", { name: "app", version: "1.0.0", lockfileVersion: 3, packages });
    return at;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab[Symbol.asyncDispose]();
  }
}
