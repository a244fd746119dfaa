/** Egress by name, with programs that people use, against servers in the test's own world, in the sandbox. */
import { WORLD } from "../../../scripts/lab/lab.ts";
import { check, run } from "../../../scripts/lab/process.ts";
import { programCommand, PROJECT } from "../../../scripts/lab/program.ts";
import { assertEquals, assertMatch, assertStringIncludes } from "../../assert.ts";
import { e2e, e2eUnless, e2eWith } from "../bed/bed.ts";
import { needsFile } from "../bed/installed.ts";
import { FilesBed } from "./files_bed.ts";

const NAMES = ["registry.npmjs.org", "git.test", "deb.test", "allowed.test", "neighbour.test"];
const CURL = "curl --silent --show-error --max-time 10";

let made: Promise<FilesBed> | null = null;
const filesBed = () => made ??= FilesBed.create(NAMES);
Deno.test.afterAll(async () => await (await made)?.[Symbol.asyncDispose]());

/** Runs a script in a guest under these rules, as root of the lab's host. `$CA` is the certificate to trust. */
async function underRules(rules: string, script: string, cwd = PROJECT, more: readonly string[] = []) {
  const bed = await filesBed(), from = { asked: bed.resolver.stdout.length, served: bed.server.stdout.length };
  const words = [
    "run",
    "-only",
    rules,
    "-quiet",
    "-sandbox",
    ...more,
    "--",
    "sh",
    "-c",
    `cd '${cwd}'; CA=${bed.certificate}; ${script}`,
  ];
  const command = bed.lab.host.enter([...bed.asHost, ...programCommand(), ...words]);
  const result = await run(command, {
    cwd: PROJECT,
    env: { DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" },
    timeout: 60_000,
  });
  return {
    ...result,
    asked: bed.resolver.stdout.slice(from.asked).filter((line) => line.startsWith("asked")),
    served: bed.server.stdout.slice(from.served),
  };
}

e2eWith("npm", "npm installs from its registry, which the preset opens", async () => {
  const project = await (await filesBed()).makeNpmProject();
  const { stdout, stderr, code } = await underRules(
    "@npm",
    `npm_config_cafile=$CA npm_config_cache=${project}/.npm npm ci < /dev/null && node -p 'require("greeting")'`,
    project,
  );
  assertEquals(code, 0, stdout + stderr);
  assertMatch(stdout, /added 1 package[^]*\nhello\n$/);
});

e2eWith("git", "git clones over HTTPS", async () => {
  const { served, lab } = await filesBed(), work = `${lab.directory}/work`;
  const git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"];
  await check([...git, "init", "--quiet", work]);
  await check([...git, "commit", "--quiet", "--allow-empty", "--message", "the first"], { cwd: work });
  await check([...git, "clone", "--quiet", "--bare", work, `${served}/repo.git`]);
  await check([...git, "update-server-info"], { cwd: `${served}/repo.git` });
  const clone = `${lab.directory}/clone`;
  const { stdout, stderr, code } = await underRules(
    "git.test",
    `GIT_SSL_CAINFO=$CA git clone --quiet https://git.test/repo.git ${clone} && git -C ${clone} log --format=%s
     GIT_SSL_CAINFO=$CA git ls-remote https://neighbour.test/repo.git 2>&1 | tail -n 1`,
  );
  assertEquals(code, 0, stdout + stderr);
  assertMatch(stdout, /^the first\nfatal: .*Could not resolve host: neighbour\.test$/m, stdout + stderr);
});

e2eUnless(needsFile("/usr/sbin/sshd"), "git clones over SSH, by a rule of its own", async () => {
  const { served, lab } = await filesBed(), work = `${lab.directory}/ssh-work`, key = `${lab.directory}/ssh-key`;
  const git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"];
  await check([...git, "init", "--quiet", work]);
  await check([...git, "commit", "--quiet", "--allow-empty", "--message", "over SSH"], { cwd: work });
  await check([...git, "clone", "--quiet", "--bare", work, `${served}/ssh.git`]);
  for (const file of [key, `${key}-host`]) await check(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file]);
  const settings = {
    ListenAddress: `${WORLD.v4}:22`,
    HostKey: `${key}-host`,
    AuthorizedKeysFile: `${key}.pub`,
    PidFile: "none",
    StrictModes: "no",
    UsePAM: "no",
    PermitRootLogin: "prohibit-password",
  };
  const options = Object.entries(settings).map((setting) => `-o ${setting.join("=")}`).join(" ");
  const daemon = `mount -t tmpfs tmpfs /run; mkdir /run/sshd; exec /usr/sbin/sshd -D -e -f /dev/null ${options}`;
  const sshd = lab.start(lab.world, ["unshare", "--mount", "sh", "-ec", daemon]);
  await sshd.line("stderr", /^Server listening on /);
  const ssh = `ssh -i ${key} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=10`;
  const clone = (to: string) => `GIT_SSH_COMMAND='${ssh}' git clone --quiet ssh://root@git.test${served}/ssh.git ${to}`;
  const [here, there] = [`${lab.directory}/ssh-clone`, `${lab.directory}/ssh-none`];
  const without = await underRules("git.test", `${clone(there)} 2>&1`);
  assertMatch(without.stdout, /port 22: (Connection refused|No route to host|Permission denied)/, without.stderr);
  assertEquals(sshd.stderr.filter((line) => line.includes("onnection")), [], "what sshd has seen without a rule");
  const { stdout, stderr } = await underRules("tcp://git.test:22", `${clone(here)} && git -C ${here} log --format=%s`);
  assertEquals(stdout, "over SSH\n", stderr);
  await sshd.line("stderr", /^Accepted publickey for root/);
});

e2eWith("node", "curl over HTTP/2, and node", async () => {
  const { lab, certificate } = await filesBed();
  const program = new URL("http2_server.mjs", import.meta.url).pathname;
  const pair = [`${lab.directory}/own.pem`, `${lab.directory}/own-key.pem`];
  const server = lab.start(lab.world, ["node", program, ...pair, WORLD.v4, "8443"]);
  await server.line("stdout", /^ready$/);
  const { stdout, stderr } = await underRules(
    "tls://allowed.test:8443",
    `${CURL} --http2 --cacert $CA --output /dev/null --write-out 'curl %{http_version} %{http_code}\\n' https://allowed.test:8443/
     NODE_EXTRA_CA_CERTS=${certificate} node -e '
       const get = (name) => fetch("https://" + name + ":8443/").then((answer) => answer.text(), (error) => error.cause.code);
       get("allowed.test").then(console.log).then(() => get("neighbour.test")).then(console.log)'
     own=$(getent ahostsv4 allowed.test | sed -n '1s/ .*//p')
     ${CURL} --http2 --cacert $CA --resolve neighbour.test:8443:$own https://neighbour.test:8443/ 2>&1; echo other: $?`,
  );
  assertMatch(stdout, /^curl 2 200\nhello\n\n(ENOTFOUND|EAI_AGAIN)$/m, stdout + stderr);
  assertMatch(stdout, /^other: 35$/m);
  await server.line("stdout", / 1\.1$/);
  assertEquals(server.stdout.slice(1), ["allowed.test 2.0", "allowed.test 1.1"], "what the server has seen");
});

e2eWith("apt-get", "apt reads a repository", async () => {
  const { served, lab } = await filesBed(), state = `${lab.directory}/apt`;
  await Deno.mkdir(`${served}/debian`, { recursive: true });
  await Deno.writeTextFile(`${served}/debian/Packages`, "Package: greeting\nVersion: 1.0\nArchitecture: all\n\n");
  await Deno.mkdir(`${state}/lists/partial`, { recursive: true });
  await Deno.writeTextFile(`${state}/sources.list`, "deb [trusted=yes] https://deb.test/debian ./\n");
  await Deno.writeTextFile(`${state}/status`, "");
  const options = [
    ...[`Dir::Etc::sourcelist=${state}/sources.list`, "Dir::Etc::sourceparts=-", `Dir::State::Lists=${state}/lists`],
    ...[`Dir::State::status=${state}/status`, `Dir::Cache=${state}`, "APT::Sandbox::User=root"],
  ].map((option) => `-o ${option}`).join(" ");
  const { stdout, stderr, code } = await underRules(
    "deb.test",
    `apt-get ${options} -o Acquire::https::CAInfo=$CA update && apt-cache ${options} show greeting`,
  );
  assertEquals(code, 0, stdout + stderr);
  assertStringIncludes(stdout, "Package: greeting\nVersion: 1.0\n");
});

e2e("deno fetches", async () => {
  const { stdout, stderr } = await underRules(
    "allowed.test",
    `DENO_TLS_CA_STORE=system '${Deno.execPath()}' eval --cert $CA '
      console.log((await fetch("https://allowed.test/")).status);
      console.log(await fetch("https://neighbour.test/").catch((error) => String(error.cause ?? error)));'`,
  );
  assertMatch(stdout, /^200\n.*(dns error|failed to lookup|resolve)/m, stdout + stderr);
});

// a policy of addresses opens both: https://github.com/cilium/cilium/issues/31803
e2e("two names of one address: the one that is allowed opens nothing of the other", async () => {
  const { stdout, served, asked } = await underRules(
    "allowed.test",
    `${CURL} --cacert $CA --output /dev/null --write-out 'allowed %{http_code}\\n' https://allowed.test/
     ${CURL} --cacert $CA https://neighbour.test/ 2>&1; echo neighbour: $?
     own=$(getent ahostsv4 allowed.test | sed -n '1s/ .*//p')
     ${CURL} --cacert $CA --resolve neighbour.test:443:$own https://neighbour.test/ 2>&1; echo at its address: $?
     ${CURL} --cacert $CA --resolve neighbour.test:443:${WORLD.v4} https://neighbour.test/ 2>&1; echo real: $?`,
  );
  assertMatch(stdout, /^allowed 200$/m, stdout);
  assertMatch(stdout, /^neighbour: 6$/m, "it has no address");
  assertMatch(stdout, /^at its address: 35$/m, "nor can it be shown at the other's");
  assertMatch(stdout, /^real: 7$/m, "nor reached at the real one");
  assertEquals(served.map((line) => line.split(" ")[0]), ["allowed.test"], "what the server has seen");
  assertEquals(asked.filter((line) => line.includes("neighbour")), [], "what was asked");
});

e2e("the guest's own /etc/hosts, another source address and raw packets are no way out", async () => {
  const { served, stdout } = await underRules(
    "allowed.test",
    `printf '${WORLD.v4} allowed.test\\n' > /tmp/hosts.$$; mount --bind /tmp/hosts.$$ /etc/hosts; rm -f /tmp/hosts.$$
     ${CURL} --cacert $CA https://allowed.test/ 2>&1; echo hosts: $?
     umount /etc/hosts
     ip address add 192.0.2.77/32 dev tun0; ip address add 2001:db8::77/128 dev tun0 nodad
     ${CURL} --interface 192.0.2.77 --cacert $CA --resolve x.test:443:${WORLD.v4} https://x.test/ 2>&1; echo source: $?
     ${CURL} --interface 2001:db8::77 -g --insecure 'https://[${WORLD.v6}]/' 2>&1; echo IPv6 source: $?
     python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(("${WORLD.v4}", 443))
s.send(b"x" * 3000)
s.settimeout(5)
try: print(s.recv(9))
except OSError as error: print("fragments:", error)'
     ping -c 1 -W 1 ${WORLD.v4} > /dev/null; echo ping: $?`,
  );
  assertMatch(stdout, /^hosts: 7$/m, stdout);
  assertMatch(stdout, /^source: 7$/m);
  assertMatch(stdout, /^IPv6 source: 7$/m);
  assertMatch(stdout, /^fragments: .*(No route|Permission denied|prohibited|refused|unreachable)/im, stdout);
  assertMatch(stdout, /^ping: 0$/m, "the program answers, not the host");
  assertEquals(served, [], "what reached the server");
});

e2e("-names real: names that share an address are told apart by what is shown", async () => {
  const { stdout, served } = await underRules(
    "allowed.test,git.test",
    `getent ahostsv4 allowed.test | sed -n '1s/ .*//p'
     ${CURL} --cacert $CA --output /dev/null --write-out 'allowed %{http_code}\\n' https://allowed.test/
     ${CURL} --cacert $CA https://neighbour.test/ 2>&1; echo neighbour: $?
     ${CURL} --cacert $CA --resolve neighbour.test:443:${WORLD.v4} https://neighbour.test/ 2>&1; echo real: $?
     ${CURL} --cacert $CA --resolve git.test:443:${WORLD.v4} https://git.test/ 2>&1; echo not asked for: $?
     getent hosts git.test > /dev/null
     ${CURL} --cacert $CA --output /dev/null --resolve git.test:443:${WORLD.v4} https://git.test/ 2>&1; echo git: $?
     ${CURL} http://${WORLD.v4}/ 2>&1; echo another port: $?`,
    PROJECT,
    ["-names", "real"],
  );
  assertMatch(stdout, new RegExp(`^${WORLD.v4}$`, "m"), stdout);
  assertMatch(stdout, /^allowed 200$/m);
  assertMatch(stdout, /^neighbour: 6$/m, "it has no rule");
  assertMatch(stdout, /^real: 35$/m, "it is shown at the other's address");
  assertMatch(stdout, /^not asked for: 35$/m, "a name that was not asked for does not stand there");
  assertMatch(stdout, /^git: 0$/m, "it was asked for");
  assertMatch(stdout, /^another port: 7$/m);
  assertEquals(served.map((line) => line.split(" ")[0]), ["allowed.test", "git.test"], "what the server has seen");
});
