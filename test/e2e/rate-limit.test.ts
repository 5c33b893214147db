/** A rate limit applies to the whole API, whatever the number of its workers. */
import assert from 'node:assert/strict';
import { Agent, get } from 'node:http';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { until } from '../fixtures/until.js';
import { emptyProject, freePort, type Program, startProject } from './program.js';
import { pidProject } from './projects.js';

const paste = `
[pipeline:hello]
pipeline = rate_limit hello_app

[filter:rate_limit]
paste.filter_factory = portico/middleware:rateLimit
rules = all address 1/h 20

[app:hello_app]
paste.app_factory = ./app.js:app
`;

interface Answer {
  readonly status: number;
  /** The body from the worker, if the request was allowed. */
  readonly body: string;
  readonly left: string;
  readonly policy: string;
}

/** An API that allows 20 requests, with two workers or, `alone`, with none. */
async function limited(t: TestContext, alone = false) {
  const port = await freePort();
  const project = emptyProject({ ...pidProject(port, 2, alone ? 'workers = 0' : ''), 'api-paste.ini': paste });
  const program = startProject(t, project);
  await program.printed(alone ? /"event":"ready"/ : /^hello .*2 workers/m);
  const ask = (agent?: Agent): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const request = get({ port, host: '127.0.0.1', agent: agent ?? false }, (response) => {
        const { statusCode: status = 0, headers } = response;
        const facts = { left: String(headers.ratelimit), policy: String(headers['ratelimit-policy']) };
        let body = '';
        response.setEncoding('utf8').on('data', (text: string) => {
          body += text;
        });
        response.on('end', () => resolve({ status, body, ...facts }));
      });
      request.on('error', reject);
    });
  return { program, ask };
}

/** Retries if the parent responded later than its workers wait, which happens on a busy machine. */
async function answered(t: TestContext, run: (api: Awaited<ReturnType<typeof limited>>) => Promise<void>) {
  for (let tries = 1; ; tries++) {
    const api = await limited(t);
    try {
      return await run(api);
    } catch (error) {
      if (tries === 3 || !api.program.stderr.includes(SILENT)) throw error;
    }
  }
}

const SILENT = 'has not responded for a second';

/** Sends requests one after the other over one connection. */
async function kept(t: TestContext, ask: (agent: Agent) => Promise<Answer>, count: number): Promise<Answer[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const answers: Answer[] = [];
  while (answers.length < count) answers.push(await ask(agent));
  return answers;
}

const statuses = (answers: readonly Answer[]): number[] => answers.map(({ status }) => status);
const passed = (count: number): number[] => Array.from({ length: count }, () => 200);

test('one kept connection to two workers gets the whole burst, then 429; counts outlive a worker that is killed, and a reload', (t) =>
  answered(t, async ({ program, ask }) => {
    const first = await kept(t, ask, 10);
    assert.deepEqual(statuses(first), passed(10));
    assert.match(first[0]!.left, /^"all";r=19;t=\d+$/);
    const replaced = program.output().length;
    process.kill(Number(first[0]!.body), 'SIGKILL');
    await program.printed(/"worker_ready"/, replaced);
    const second = await kept(t, ask, 5);
    assert.deepEqual(statuses(second), passed(5));
    assert.match(second[4]!.left, /r=5;/);
    await reload(program);
    const last = await kept(t, ask, 7);
    assert.deepEqual(statuses(last), [...passed(5), 429, 429]);
    assert.match(last[6]!.left, /^"all";r=0;t=\d+$/);
  }));

test('a process without workers counts on over a reload', async (t) => {
  const { program, ask } = await limited(t, true);
  assert.deepEqual(statuses(await kept(t, ask, 15)), passed(15));
  await reload(program);
  const last = await kept(t, ask, 7);
  assert.deepEqual(statuses(last), [...passed(5), 429, 429]);
});

test('AU-5 DR-12 while the parent is stopped workers grant nothing; the log has the begin and the end', async (t) => {
  const { program, ask } = await limited(t);
  assert.deepEqual(statuses(await kept(t, ask, 1)), passed(1));
  program.kill('SIGSTOP');
  t.after(() => program.kill('SIGCONT'));
  const alone = await kept(t, ask, 12);
  assert.deepEqual([...new Set(statuses(alone))], [429]);
  assert.deepEqual([...new Set(alone.map(({ policy }) => policy))], ['"all";q=20;w=72000']);
  assert.match(alone[0]!.left, /r=0;t=1$/);
  const said = (words: string): readonly string[] => program.stderr.split('\n').filter((line) => line.includes(words));
  await until(
    () => kept(t, ask, 1),
    () => said('has not responded for a second').length > 0,
  );
  program.kill('SIGCONT');
  await until(
    () => kept(t, ask, 1),
    () => said('responds again').length > 0,
  );
  // What was granted too late is not lost.
  const rest = await kept(t, ask, 25);
  assert.ok(statuses(rest).filter((status) => status === 200).length > 0);
  for (const [words, level] of [
    ['has not responded for a second', 'warn'],
    ['responds again', 'notice'],
  ] as const) {
    // Once for each worker that was asked meanwhile.
    const pids = said(words).map((line) => (JSON.parse(line) as { readonly pid: number }).pid);
    assert.equal(new Set(pids).size, pids.length, program.output());
    assert.match(said(words)[0]!, new RegExp(`"level":"${level}"`));
  }
});

test('AU-5 a parent that responds late, again and again, lets no request beyond the limit', async (t) => {
  const { program, ask } = await limited(t);
  const results: Answer[] = [];
  let done = false;
  // Two connections for each worker.
  const clients = Array.from({ length: 4 }, async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    while (!done) results.push(await ask(agent));
  });
  t.after(() => program.kill('SIGCONT'));
  for (let stops = 0; stops < 6; stops++) {
    program.kill('SIGSTOP');
    // Longer than a worker once waited.
    await pause(stops % 2 === 0 ? 200 : 1200);
    program.kill('SIGCONT');
    const before = results.length;
    await until(
      () => results.length,
      (length) => length > before,
    );
  }
  const granted = () => statuses(results).filter((status) => status === 200).length;
  // A token that was granted too late returns to the bucket.
  await until(granted, (count) => count >= 20);
  done = true;
  await Promise.all(clients);
  assert.equal(granted(), 20);
});

test('a worker that takes tokens as often as it can gets its responses', async (t) => {
  const port = await freePort();
  // Many requests to the parent, one after the other, then more tokens at once than fit into one request.
  const busy = `
    const { buckets } = process[Symbol.for('portico.worker')];
    const rule = { id: 'busy', rate: 1, burst: 1, maxKeys: 10 };
    const take = (_, at) => buckets.take(rule, 'key ' + at % 100, 0);
    export const app = () => async (req, res) => {
      let taken = 0;
      while (taken < 20_000) {
        await take(undefined, 0);
        taken += 1;
      }
      const all = await Promise.all(Array.from({ length: 9000 }, take));
      res.end(String(taken + all.filter((one) => one !== undefined).length));
    };
  `;
  const project = emptyProject({ ...pidProject(port, 1), 'app.js': busy });
  const program = startProject(t, project);
  await program.printed(/^hello .*1 worker/m);
  const answer = await fetch(`http://127.0.0.1:${port}/`);
  assert.ok(Number(await answer.text()) >= 20_000);
  assert.ok(!program.output().includes('worker_fault'), program.output());
});

async function reload(program: Program): Promise<void> {
  const from = program.output().length;
  program.kill('SIGHUP');
  await program.printed(/"event":"reload"/, from);
}
