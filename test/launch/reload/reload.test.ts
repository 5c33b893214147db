/** Service plans in a reload: a plan can refuse it, and its report lists the differences between plans. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLogger } from 'portico';
import { Config, defineOptions, path, string } from 'portico/config';
import { type ReloadReport, ServiceLauncher } from 'portico/launch';
import type { ServicePlan } from 'portico/service';
import { ConfigurationRefused } from '../../../dist/errors/index.js';
import { temporaryFolder } from '../../fixtures/keeper.js';
import { RecordedService } from '../../fixtures/recorded-service.js';

const options = defineOptions('worker', {
  steps: string({ default: '', help: 'What the service does, in order.' }),
  table: path({ help: 'A file it reads.' }),
});

/** A service whose pipeline and file are in the configuration. */
class Planned extends RecordedService {
  /** A wrong plan, which a service of JavaScript may return. */
  odd: unknown;

  plan(config: Config): ServicePlan {
    if (this.odd !== undefined) return this.odd as ServicePlan;
    const { steps, table } = config.group('worker', options);
    if (steps.includes('tear')) throw new ConfigurationRefused('WORKER_TEARS', { message: 'tears' });
    if (steps.includes('tangle')) {
      const diagnostics = [
        { severity: 'error', code: 'WORKER_TANGLES', message: 'tangles' },
        { severity: 'warning', code: 'WORKER_FRAYS', section: 'worker', option: 'steps', message: 'frays' },
      ] as const;
      throw new ConfigurationRefused('WORKER_TANGLES', { diagnostics });
    }
    const location = config.getLocation('worker', 'steps');
    const about = { location, section: 'worker', option: 'steps' };
    return {
      pipelines: new Map([['work', steps.split(' ')]]),
      files: [{ path: table!, option: 'worker.table', says: `${config.readFile(table!).length} bytes` }],
      diagnostics: [
        ...(steps.includes('burn')
          ? [{ ...about, severity: 'error' as const, code: 'WORKER_BURNS', message: 'burns', hint: 'Do not.' }]
          : []),
        ...(steps.includes('smoke')
          ? [{ ...about, severity: 'warning' as const, code: 'WORKER_SMOKES', message: 'smokes' }]
          : []),
      ],
    };
  }
}

async function launched(): Promise<{
  reload(steps: string, table: string): Promise<ReloadReport>;
  readonly service: Planned;
  readonly lines: readonly string[];
  readonly table: string;
}> {
  const folder = temporaryFolder('portico-reload-');
  const [ini, table] = ['worker.ini', 'table.txt'].map((name) => join(folder, name)) as [string, string];
  const write = (steps: string, content: string): void => {
    writeFileSync(ini, `[worker]\nsteps = ${steps}\ntable = ${table}\n`);
    writeFileSync(table, content);
  };
  write('cut sew', 'old');
  const config = await Config.load({ files: [ini], env: {}, argv: [] });
  const lines: string[] = [];
  const log = createLogger({ format: 'json', destination: { write: (line) => lines.push(line) } });
  const launcher = new ServiceLauncher({ config, log, signals: false });
  const service = new Planned('worker');
  service.onStart = () => config.readFile(config.group('worker', options).table!);
  await launcher.launchService(service);
  return {
    service,
    lines,
    table,
    reload: async (steps, content) => {
      write(steps, content);
      await launcher.restart();
      return launcher.status().reloads.at(-1)!;
    },
  };
}

test('OP-81 the report tells what differs between the plans of a service: files by their content, pipelines by their parts', async () => {
  const { reload, table } = await launched();
  const { outcome, changes, pipelines } = await reload('press cut', 'newer');
  assert.equal(outcome, 'accepted');
  assert.deepEqual(pipelines, [{ pipeline: 'work', added: ['press'], removed: ['sew'], moved: [] }]);
  const [steps, file] = changes;
  assert.deepEqual([steps?.option, steps?.effect], ['worker.steps', 'applied']);
  assert.deepEqual(
    [file?.option, file?.file, file?.effect, file?.services],
    ['worker.table', table, 'applied', ['worker']],
  );
  assert.match(file?.old ?? '', /^3 bytes, sha256 /);
  assert.match(file?.new ?? '', /^5 bytes, sha256 /);
});

test('OP-80 the warnings of a refused configuration are in its warnings, and not in its error', async () => {
  const { reload } = await launched();
  const { outcome, error, warnings } = await reload('smoke tangle', 'newer');
  assert.equal(outcome, 'refused');
  assert.match(error ?? '', /tangles/);
  assert.doesNotMatch(error ?? '', /warning|frays/);
  assert.match(warnings.join('\n'), /warning: \[worker\] steps: frays/);
});

test('OP-81 a file is no secret because the service whose plan is refused is only known to have read it', async () => {
  const { reload } = await launched();
  const { outcome, changes } = await reload('tear', 'newer');
  assert.equal(outcome, 'refused');
  const file = changes.find(({ option }) => option === 'worker.table');
  assert.match(file?.old ?? '', /^3 bytes, sha256 /);
  assert.match(file?.new ?? '', /^sha256 /);
});

test('OP-80 OP-85 an error of a plan refuses the reload, whose report still tells what it would have changed', async () => {
  const { reload, service, lines } = await launched();
  const { outcome, error, changes, pipelines } = await reload('cut burn', 'newer');
  assert.equal(outcome, 'refused');
  assert.match(error ?? '', /worker\.ini:2:9: error: \[worker\] steps: burns\n {2}Do not\.\n {4}steps = cut burn\n/);
  const line = lines.map((each) => JSON.parse(each)).find(({ event }) => event === 'reload');
  assert.equal(line.error, error);
  assert.match(line.msg, /^Reload refused after \d+ ms: \S*worker\.ini:2:9: error: \[worker\] steps: burns$/);
  assert.deepEqual(
    changes.map(({ option, effect }) => [option, effect]),
    [
      ['worker.steps', 'not applied'],
      ['worker.table', 'not applied'],
    ],
  );
  assert.deepEqual([pipelines, service.stops], [[], []]);
});

test('OP-80 a plan that is none refuses the reload, and the next one is as usual', async () => {
  const { reload, service } = await launched();
  service.odd = { files: null };
  assert.equal((await reload('cut', 'old')).outcome, 'refused');
  service.odd = undefined;
  assert.equal((await reload('cut', 'old')).outcome, 'accepted');
});

test('OP-80 a warning of a plan is logged, and refuses nothing', async () => {
  const { reload, lines } = await launched();
  assert.equal((await reload('cut smoke', 'old')).outcome, 'accepted');
  const warnings = lines.map((line) => JSON.parse(line)).filter(({ level }) => level === 'warn');
  const codes = warnings.map(({ code }) => code);
  assert.deepEqual(codes, ['WORKER_SMOKES']);
  assert.match(warnings[0].msg, /worker\.ini:2:9: warning: \[worker\] steps: smokes$/);
});
