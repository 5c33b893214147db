import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { ReloadReport } from 'portico/launch';
import { get } from '../fixtures/http-client.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { runningProgram } from '../fixtures/running-program.js';

const folder = temporaryFolder('portico-configured-');

interface Page {
  greeting: string;
  limit: number;
  password?: string;
  token?: string;
  generation: number;
}

/** Runs the application with a file of this text; `write` replaces the file. */
function configured(
  t: { after(fn: () => Promise<void>): unknown; readonly name: string },
  text: string,
  args: readonly string[] = [],
) {
  const file = join(folder, `${t.name.replaceAll(/\W+/g, '-').slice(0, 40)}.ini`);
  const write = (next: string): void => writeFileSync(file, next);
  write(text);
  const fleet = runningProgram(t, 'configured', ['--config-file', file, ...args]);
  const page = async (): Promise<Page> => (await get<Page>(await fleet.port('greeter'), '/page')).body;
  return { fleet, file, write, page };
}

const MUTATES = '[DEFAULT]\nrestart_method = mutate\n';

test('LC-516 LC-525 LC-1918 CF-80 mutate passes the later configuration to reset once in every worker, never in the parent, and keeps the processes', async (t) => {
  const head = `${MUTATES}[greeter]\n`;
  const { fleet, write } = configured(t, `${head}greeting = first\nlimit = 1K\n`);
  await fleet.event('launched');
  const before = new Set(fleet.children());
  const from = fleet.lines.length;
  const resets = (): unknown[] => fleet.lines.slice(from).flatMap(({ event, pid }) => (event === 'reset' ? [pid] : []));
  write(`${head}greeting = second\nlimit = 2K\n`);
  fleet.kill('SIGHUP');
  assert.equal((await fleet.event('reload', from)).outcome, 'accepted');
  // The child that has validated the configuration ends a moment later.
  while (fleet.children().length > before.size) await turn();
  assert.deepEqual(new Set(fleet.children()), before);
  assert.deepEqual(resets().toSorted(), [...before].toSorted());
  const port = await fleet.port('greeter');
  for (let i = 0; i < 8; i++) {
    const { body } = await get<Page>(port, '/page');
    assert.deepEqual([body.greeting, body.limit], ['second', 1024]);
  }
});

test('CF-92 OP-86 a number of workers that a reload changes is applied by the parent', async (t) => {
  const { fleet, write } = configured(t, '[greeter]\nworkers = 1\n');
  await fleet.event('launched');
  const from = fleet.lines.length;
  write('[greeter]\nworkers = 2\n');
  fleet.kill('SIGHUP');
  await fleet.event('reload', from);
  await fleet.line((line) => line.event === 'worker_ready' && line.workerId === 1, from);
});

test('OP-81 CF-76 LC-1928 LC-1207 LC-1214 LC-104 a secret that changes reaches the workers, and no report or log; nor does one of the command line', async (t) => {
  const head = `${MUTATES}[greeter]\nworkers = 1\n`;
  const {
    fleet,
    file: path,
    write,
    page,
  } = configured(t, `${head}token = old-secret\n`, ['--set', 'greeter.password=on-the-line']);
  await fleet.event('launched');
  write(`${head}token = new-secret\ngreeting = second\n`);
  fleet.kill('SIGHUP');
  const { outcome, changes } = (await fleet.event('reload')) as unknown as ReloadReport;
  assert.equal(outcome, 'accepted');
  assert.deepEqual(
    changes.find(({ option }) => option === 'greeter.token'),
    { option: 'greeter.token', old: '****', new: '****', where: `${path}:5:9`, effect: 'passed to reset()' },
  );
  const { token, password, greeting } = await page();
  assert.deepEqual([token, password, greeting], ['new-secret', 'on-the-line', 'second']);
  const reset = await fleet.event('reset');
  assert.deepEqual([reset.greeting, reset.tokens], ['second', ['old-secret', 'new-secret']]);
  await fleet.stop();
  const told = fleet.lines.filter(({ event }) => event !== 'reset').map((line) => JSON.stringify(line));
  assert.ok(
    told.some((line) => /greeter\.token changed from \[\*{4}\] to \[\*{4}\]/.test(line)),
    fleet.text(),
  );
  assert.doesNotMatch(told.join('\n'), /old-secret|new-secret|on-the-line/);
});

test('LC-1210 the parent alone writes all options to the log, at the start and after each reload', async (t) => {
  const { fleet, write } = configured(t, '[greeter]\ngreeting = first\nworkers = 1\n');
  await fleet.event('launched');
  write('[greeter]\ngreeting = second\nworkers = 1\n');
  fleet.kill('SIGHUP');
  await fleet.event('reload');
  fleet.kill('SIGTERM');
  await fleet.ended;
  const shown = fleet.lines.filter(({ msg }) => msg?.startsWith('greeter.greeting'));
  assert.deepEqual(
    shown.map(({ msg, pid }) => [msg, pid]),
    [
      ['greeter.greeting               = first', fleet.pid],
      ['greeter.greeting               = second', fleet.pid],
    ],
  );
});
