/** A pod of the generated manifest in a separate network: another machine reaches its API, probes and metrics, and nothing else. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { type TestContext, test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { command } from '../cli/command.js';
import { apiCli, emptyProject, Program, untilEnd } from './program.js';
import { pidProject } from './projects.js';

/** Runs words in a network that has one cable to that of this shell. */
const CLUSTER = `set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /run
ip netns add pod
ip link add eth0 type veth peer name eth0 netns pod
ip addr add 10.77.0.3/24 dev eth0
ip -n pod addr add 10.77.0.2/24 dev eth0
for network in "" "-n pod"; do ip $network link set lo up; ip $network link set eth0 up; done
ip netns exec pod "$@" &
trap 'kill $!' TERM
wait $! || wait $!`;
const SPACES = ['--net', '--mount', 'sh', '-c', CLUSTER, 'sh'];

const tried = spawnSync('unshare', [...SPACES, 'true'], { encoding: 'utf8' });
const skip = tried.status !== 0 && `this machine gives no networks: ${(tried.stderr ?? String(tried.error)).trim()}`;

/** Prints the status of each URL, or the code of the error. */
const ASK = `for (const url of process.argv.slice(1))
  console.log(await fetch(url, { signal: AbortSignal.timeout(2000) }).then(({ status }) => status, ({ cause }) => cause.code));`;

interface Manifest {
  readonly spec: {
    readonly template: {
      readonly metadata: { readonly annotations: Readonly<Record<string, string>> };
      readonly spec: { readonly containers: readonly { readonly env: readonly { name: string; value: string }[] }[] };
    };
  };
}

async function started(t: TestContext) {
  const project = emptyProject(pidProject(8080, 1, '[admin]\nlisten = 127.0.0.1:9100\n'));
  const { stdout } = command(['generate', 'kubernetes', '--with', 'scraping'], { cwd: project.folder });
  const [manifest] = parseAllDocuments(stdout).map((each) => each.toJS() as Manifest);
  const { metadata, spec } = manifest!.spec.template;
  const env = Object.fromEntries(spec.containers[0]!.env.map(({ name, value }) => [name, value]));
  const words = [process.execPath, apiCli, '--set', 'api:hello.listen=0.0.0.0:8080'];
  const program = untilEnd(t, new Program('unshare', [...SPACES, ...words], { cwd: project.folder, env }));
  await program.printed(/Ready after/);
  return { program, annotations: metadata.annotations };
}

test('KU-8 another machine reaches the API, probes and metrics where the manifest says they are; status and control stay private', {
  skip,
}, async (t) => {
  const { program, annotations } = await started(t);
  const scraped = `http://10.77.0.2:${annotations['prometheus.io/port']}`;
  const asked: readonly (readonly [url: string, status: string])[] = [
    ['http://10.77.0.2:8080/', '200'],
    [`${scraped}${annotations['prometheus.io/path']}`, '200'],
    [`${scraped}/readyz`, '200'],
    [`${scraped}/healthz`, '200'],
    ...['/status', '/config', '/requests', '/log', '/'].map((path) => [`${scraped}${path}`, '404'] as const),
    ['http://10.77.0.2:9100/status', 'ECONNREFUSED'],
  ];
  const words = ['--target', String(program.pid), '--net', process.execPath, '--input-type=module', '-e', ASK];
  const { stdout, stderr } = spawnSync('nsenter', [...words, ...asked.map(([url]) => url)], { encoding: 'utf8' });
  const said = stdout.trim().split('\n');
  assert.deepEqual(
    asked.map(([url], at) => [url, said[at]]),
    asked,
    stderr,
  );
});
