/** The effect of a reload on each shipped option: the processes that apply its change. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Config, type Option } from 'portico/config';
import { registerBundledOptions } from '../../dist/cli/configured/bundled-options.js';
import { changeText } from '../../dist/cli/look/status-text.js';
import { otherChanges } from '../../dist/cli/plan/reload-differences.js';
import { temporaryFolder } from '../fixtures/keeper.js';

/** Only a new parent applies these: it owns sockets, files and formats, and workers depend on them. */
const RESTART = [
  'DEFAULT.log_format',
  'DEFAULT.log_file',
  'DEFAULT.logger',
  'DEFAULT.restart_method',
  'control.socket',
  'admin.listen',
  'admin.allow_remote',
  'admin.metrics_listen',
  'admin.hosts',
  'oslo_reports.file_event_handler',
  'DEFAULT.workers',
  'api:hello.listen',
  'api:hello.port',
];

/** Values of all types: an option uses the first that it accepts and that differs from its default. */
const TEXTS = [
  'true 1 2 100 422 2000 12345 9 0.5 false warn x y-z https://a.example ./x.js:Thing 10.0.0.0/8 127.0.0.9 a:1 user_id:x',
  'DELETE RS256 text mutate reload optional TLSv1.3 openstack json none memory sqlite any 5/s /x=5/s sqlite:///x.db %(method)s package.json 8080:/tmp/off',
]
  .join(' ')
  .split(' ');

function another(option: Option, extra: readonly string[]): string | undefined {
  const shown = option.default === undefined ? undefined : option.format(option.default);
  return [...extra, ...TEXTS].find((text) => {
    try {
      const value = option.parseAll([text]);
      return value !== undefined && option.format(value) !== shown;
    } catch {
      return false;
    }
  });
}

test('OP-81 CF-80 CF-81 CF-91 each option is reported with what takes its change up', async () => {
  const folder = temporaryFolder('portico-effects-');
  const file = join(folder, 'portico.ini');
  const bundled = Config.fromText('[api:hello]\n[service:images]\n');
  await registerBundledOptions(bundled);
  // The named source is read, the named extension imported: a value that is only well formed is refused.
  const options = bundled.resolveAll().filter(({ opt }) => opt !== 'extensions');
  const required = new Set(options.flatMap(({ group, option }) => (option.required ? [group] : [])));
  const all = options.filter(({ group }) => !required.has(group));
  assert.ok(all.length > 150);
  const wrong: unknown[] = [];
  for (const { group, opt, option } of all) {
    const name = `${group}.${opt}`;
    const choices = Array.isArray(option.spec.choices) ? (option.spec.choices as unknown[]).map(String) : [];
    const text = another(option, choices);
    // An option with one choice cannot change.
    if (choices.length === 1) continue;
    assert.ok(text !== undefined, `a value for ${name}, ${option.type}`);
    writeFileSync(file, '');
    const config = await Config.load({ files: [file], env: {} });
    config.group(group, { [opt]: option }, { partial: true });
    writeFileSync(file, `[${group}]\n${opt} = ${text}\n`);
    const report = (await config.next()).report();
    const told = report.find((change) => change.option === name)?.effect;
    const expected = RESTART.includes(name) ? 'needs a restart' : 'applied';
    if (told !== expected) wrong.push([name, told, expected]);
  }
  assert.deepEqual(wrong, []);
});

test('a report says that a masked value has changed, and shows others', () => {
  const change = { option: 'shop.colour', where: 'portico.ini:5:8', effect: 'applied' } as const;
  const hidden = { ...change, old: '****', new: '****' };
  assert.equal(changeText(hidden), 'shop.colour: changed, value not shown (portico.ini:5:8)');
  assert.equal(changeText({ ...hidden, file: 'key' }), 'shop.colour: content of key changed (portico.ini:5:8)');
  assert.equal(changeText({ ...change, old: '1', new: '2' }), 'shop.colour: 1 -> 2 (portico.ini:5:8)');
  const [one, other] = ['sha256 c24b808853c4', 'sha256 ba8239ceebef'];
  const file = { ...change, old: one, new: other, file: 'api-paste.ini' };
  assert.equal(changeText(file), 'shop.colour: content of api-paste.ini changed (portico.ini:5:8)');
  const dated = { ...file, old: `valid until May, ${one}`, new: `valid until June, ${other}` };
  assert.equal(
    changeText(dated),
    'shop.colour: content of api-paste.ini changed: valid until May -> valid until June (portico.ini:5:8)',
  );
});

test('a reload lists a changed address that it did not apply, unless a difference of the API tells it', () => {
  const report = {
    outcome: 'accepted',
    method: 'reload',
    trigger: 'control',
    at: '2026-11-30T10:00:00.000Z',
    generation: 2,
    durationMs: 1,
    warnings: [],
    replaced: {},
    added: [],
    removed: [],
    pipelines: [],
    changes: [
      { option: 'api:hello.port', old: '8090', new: '6379', where: 'portico.ini:7:8', effect: 'needs a restart' },
      { option: 'api:hello.workers', old: '1', new: '2', where: 'portico.ini:8:11', effect: 'applied' },
    ],
  } as const;
  const about = {
    api: 'hello',
    subject: 'api hello',
    route: null,
    value: null,
    old: null,
    new: null,
    change: 'changed',
  } as const;
  const workers = {
    ...about,
    class: 'compatible',
    rule: 'workers-changed',
    text: 'workers 1 -> 2',
    effect: 'applied by a reload',
  } as const;
  const address = {
    ...about,
    class: 'breaking',
    rule: 'address-removed',
    text: 'listens on 127.0.0.1:6379, and no longer on 127.0.0.1:8090',
    effect: 'needs a restart',
  } as const;
  const others = (...differences: readonly (typeof workers | typeof address)[]): string[] =>
    otherChanges({ ...report, differences }).map((each) => `${changeText(each)}, ${each.effect}`);
  assert.deepEqual(others(workers), ['api:hello.port: 8090 -> 6379 (portico.ini:7:8), needs a restart']);
  assert.deepEqual(others(workers, address), []);
});
