/**
 * Recorded requests against two versions of the sample: what a replay predicts is how both really respond. A few thousand random requests;
 * 50,000 with `--long`.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { loggedRequest } from '../../dist/plan/replay-lines.js';
import { ReplayProcess } from '../../dist/plan/replay-process.js';
import { stateFrom } from '../../dist/plan/state-process.js';
import { copySample } from '../fixtures/sample.js';
import { Random } from '../simulation/random.js';
import { apiCli, emptyProject, freePort, Program } from './program.js';

const COUNT = process.env.PORTICO_FAULTS === 'long' ? 50_000 : 3000;
const AT_ONCE = 32;
const PART = 1000;

/** Differences of the second version: a route, a range of versions, a schema, a limit of the paste file. */
const EDITS: readonly (readonly [file: string, from: string, to: string])[] = [
  ['sample/compute/routes.js', "    ['GET', '/limits', Limits, 'index'],\n", ''],
  ['sample/compute/versions.js', "max: '2.79'", "max: '2.70'"],
  ['sample/compute/images.js', "'2.35'", "'2.30'"],
  ['api-paste.ini', 'sizelimit noauth', 'noauth sizelimit'],
];

interface Sent {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
}

const VALUES = [
  '1',
  '0',
  '-1',
  'a',
  'a%20b',
  '%E4%B8%AD',
  'x'.repeat(300),
  '9'.repeat(20),
  'detail',
  'null',
  '%zz',
  '%00',
];
const NAMES = ['limit', 'marker', 'name', 'all_tenants', 'sort_key', 'changes-since', 'unknown', 'status', 'is_public'];
const VERSIONS = ['2.1', '2.30', '2.36', '2.57', '2.70', '2.75', '2.79', '2.99', 'latest', '2', 'x', '3.1'];
const METHODS = ['GET', 'GET', 'GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY'];

/** Returns requests for routes of the API, with odd methods, variables, queries and versions among them. */
function randomRequests(routes: readonly { readonly method: string; readonly path: string }[]): readonly Sent[] {
  const chosen = new Random(86);
  return Array.from({ length: COUNT }, (_, number): Sent => {
    const route = chosen.pick(routes);
    const path = route.path.replaceAll(/\{[^}]*\}/g, () => chosen.pick(VALUES));
    const odd = chosen.below(8) === 0 ? `${path}/${chosen.pick(VALUES)}` : path;
    const query = Array.from({ length: chosen.below(3) }, () => `${chosen.pick(NAMES)}=${chosen.pick(VALUES)}`).join(
      '&',
    );
    const method = chosen.below(5) > 0 ? route.method : chosen.pick(METHODS);
    const version = chosen.below(2) === 0 ? { 'openstack-api-version': `compute ${chosen.pick(VERSIONS)}` } : {};
    const headers = { 'user-agent': `r${number}`, 'x-auth-token': 'u:p', ...version };
    return { method, target: query === '' ? odd : `${odd}?${query}`, headers };
  });
}

/** Serves a version of the sample. Returns its log, and a function that gives the status of a request. */
async function served(folder: string) {
  const port = await freePort();
  const args = ['--enabled-apis', 'compute', '--set', `api:compute.port=${port}`, '--set', 'api:compute.workers=1'];
  const program = new Program(process.execPath, [apiCli, ...args], { cwd: folder, terminal: false });
  await program.printed(/"event":"ready"/);
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const statusOf = ({ method, target: path, headers }: Sent): Promise<number> =>
    new Promise((resolve, reject) => {
      const hasBody = /^(?:POST|PUT|PATCH|QUERY)$/.test(method);
      const more = hasBody ? { 'content-type': 'application/json', 'content-length': '2' } : {};
      const asked = request({ port, agent, method, path, headers: { ...headers, ...more } }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode!));
      });
      asked.on('error', reject).end(hasBody ? '{}' : undefined);
    });
  const end = async (): Promise<string> => {
    agent.destroy();
    program.child.kill('SIGTERM');
    await program.ended;
    return program.stderr;
  };
  return { statusOf, end };
}

async function statuses(requests: readonly Sent[], statusOf: (sent: Sent) => Promise<number>): Promise<number[]> {
  const found: number[] = [];
  const queue = requests.entries();
  const work = async (): Promise<void> => {
    for (const [at, sent] of queue) found[at] = await statusOf(sent);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return found;
}

test('a replay of recorded requests predicts the status of both versions, unless the action decides', async () => {
  const { folder: base } = emptyProject({});
  const folders = ['before', 'after'].map((name) => join(base, name));
  for (const folder of folders) copySample(folder);
  for (const [file, from, to] of EDITS) {
    const path = join(folders[1]!, file);
    const text = readFileSync(path, 'utf8');
    assert.ok(text.includes(from), `${file} has ${from}`);
    writeFileSync(path, text.replace(from, to));
  }
  const sources = folders.map((folder) => ({ label: folder, folder, args: [] }));
  const { apis } = await stateFrom(sources[0]!, 'k');
  const requests = randomRequests(apis.find(({ name }) => name === 'compute')!.routes);

  const given: number[][] = [];
  let log = '';
  for (const folder of folders) {
    const { statusOf, end } = await served(folder);
    given.push(await statuses(requests, statusOf));
    const said = await end();
    if (log === '') log = said;
  }
  const recorded = log.split('\n').flatMap((line) => {
    const logged = line.includes('"target"') ? loggedRequest(line) : undefined;
    return logged === undefined ? [] : [{ number: Number(logged.userAgent!.slice(1)), ...logged, api: 'compute' }];
  });
  assert.ok(recorded.length > COUNT / 2, `${recorded.length} of ${COUNT} requests are in the log`);

  const counts = { predicted: 0, differing: 0 };
  const wrong: string[] = [];
  const processes = sources.map((source) => new ReplayProcess(source));
  for (let from = 0; from < recorded.length; from += PART) {
    const part = recorded.slice(from, from + PART);
    const answers = await Promise.all(processes.map((each) => each.ask(part)));
    for (const [at, { number, method, target, version, status }] of part.entries()) {
      assert.equal(status, given[0]![number], `the log and the client know ${method} ${target}`);
      const predicted = answers.map((verdicts) => verdicts[at]!.status);
      const real = given.map((each) => each[number]!);
      if (predicted[0] !== predicted[1]) counts.differing++;
      for (const [which, each] of predicted.entries()) {
        if (each === null) continue;
        counts.predicted++;
        if (each !== real[which])
          wrong.push(
            `${method} ${target} ${version}: ${each} is predicted ${which === 0 ? 'before' : 'after'}, and ${real[which]} given`,
          );
      }
    }
  }
  await Promise.all(processes.map((each) => each.close()));
  assert.deepEqual(wrong.slice(0, 20), [], `${wrong.length} of ${counts.predicted} are wrong`);
  assert.ok(counts.predicted > COUNT / 2 && counts.differing > COUNT / 100, JSON.stringify(counts));
});
