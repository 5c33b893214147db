/** Reloads that other events interrupt: writes to the files, further reloads, a stop. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { ReloadReport } from 'portico/launch';
import { emptyProject, type Program, startMain } from './program.js';

interface Running {
  readonly program: Program;
  readonly folder: string;
  write(file: string, text: string): void;
  reports(): ReloadReport[];
  /** The report of the reload with this index, counted from 0. */
  report(at: number): Promise<ReloadReport>;
}

/** Runs an application that has `config`, `log`, `Service` and its own imports. */
async function running(t: TestContext, ini: string, main: string): Promise<Running> {
  const project = emptyProject({
    'settings.ini': ini,
    'main.js': `
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createLogger, launch } from 'portico';
import { Config, defineOptions, string } from 'portico/config';
import { ProcessLauncher } from 'portico/launch';
import { Service } from 'portico/service';
const options = defineOptions({ word: string({ default: 'none', help: 'A word.' }) });
const log = createLogger({ level: 'info', format: 'json' });
const config = await Config.load({ files: ['settings.ini'], argv: [], log });
config.group('app', options);
const until = async (file) => {
  while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 20));
};
${main}
`,
  });
  const program = startMain(t, project);
  await program.printed(/"event":"ready"/);
  const reports = (): ReloadReport[] =>
    program.stderr
      .split('\n')
      .filter((line) => line.includes('"event":"reload"'))
      .map((line) => JSON.parse(line) as ReloadReport);
  return {
    program,
    folder: project.folder,
    write: (file, text) => writeFileSync(join(project.folder, file), text),
    reports,
    report: async (at) => {
      while (reports().length <= at) await program.printed(/\n/, program.output().length);
      return reports()[at]!;
    },
  };
}

/** Logs the word at its start; the start waits for the file `go` while `hold` exists. */
const TELLER = `class Teller extends Service {
  present = config;
  reset(next) {
    this.present = next;
  }
  async start() {
    log.info({ event: 'starts', word: this.present.group('app', options).word }, 'starts');
    if (existsSync('hold')) await until('go');
  }
}`;

test('LC-518 a reload that is asked for during another is done after it, with what the files say then', async (t) => {
  const it = await running(
    t,
    '[app]\nword = one\n',
    `${TELLER}
const launcher = await launch(new Teller({ name: 'teller' }), { config, log });
process.exitCode = await launcher.wait();`,
  );
  it.write('hold', '');
  it.write('settings.ini', '[app]\nword = two\n');
  it.program.kill('SIGHUP');
  await it.program.printed(/"event":"starts","word":"two"/);
  for (const word of ['three', 'four']) {
    it.write('settings.ini', `[app]\nword = ${word}\n`);
    const from = it.program.output().length;
    it.program.kill('SIGHUP');
    await it.program.printed(/Caught SIGHUP/, from);
  }
  assert.deepEqual(it.reports(), []);
  it.write('go', '');
  const [first, second] = [await it.report(0), await it.report(1)];
  assert.deepEqual([first.outcome, second.outcome], ['accepted', 'accepted']);
  assert.deepEqual(
    [first, second].map(({ changes }) => changes.map(({ old, new: now }) => [old, now])),
    [[['one', 'two']], [['two', 'four']]],
  );
  it.program.kill('SIGTERM');
  assert.equal((await it.program.ended).code, 0);
  assert.equal(it.reports().length, 2);
  const words = [...it.program.output().matchAll(/"event":"starts","word":"(\w+)"/g)].map(([, word]) => word);
  assert.deepEqual([...new Set(words)], ['one', 'two', 'four']);
});

for (const [kind, services, asked] of [
  ['asks the launched service whether it takes the values', '[{ service, workers: 1 }]', 'launched'],
  ['asks the one that takes its place', '[{ service: new Careful("made"), workers: 1 }]', 'made'],
] as const) {
  test(`OP-80 LC-1917 a mutate ${kind}`, async (t) => {
    const it = await running(
      t,
      '[DEFAULT]\nrestart_method = mutate\n[app]\nword = one\n',
      `class Careful extends Service {
  constructor(which) {
    super({ name: 'careful' });
    this.which = which;
  }
  plan(next) {
    const { word } = next.group('app', options);
    log.info({ event: 'plans', which: this.which, word }, 'plans');
    if (word === 'bad') throw new Error('not that word');
    return {};
  }
}
const service = new Careful('launched');
const launcher = new ProcessLauncher({ config, log, onReload: () => ${services} });
await launcher.launchService(service, { workers: 1 });
process.exitCode = await launcher.wait();`,
    );
    it.write('settings.ini', '[DEFAULT]\nrestart_method = mutate\n[app]\nword = bad\n');
    it.program.kill('SIGHUP');
    const { outcome, error } = await it.report(0);
    assert.deepEqual([outcome, error], ['refused', 'not that word']);
    const plans = [...it.program.output().matchAll(/"event":"plans","which":"(\w+)","word":"bad"/g)];
    assert.deepEqual(
      plans.map(([, which]) => which),
      [asked],
    );
  });
}
