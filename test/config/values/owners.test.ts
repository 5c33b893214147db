/** The table of the names of all shipped options, which the build makes. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { bundledOptions } from '../../../dist/cli/configured/bundled-options.js';
import { Config } from '../../../dist/config/index.js';
import { writeTable } from '../../../dist/config/internal.js';
import { emptyProject, root } from '../../fixtures/project.js';

interface Table {
  readonly sections: Readonly<Record<string, Readonly<Record<string, boolean>>>>;
  readonly extensions: Readonly<Record<string, Pick<Table, 'sections'>>>;
  readonly groups: readonly object[];
}

/** A question of Portico's own code. */
interface Asked {
  extensions(wanted: { readonly configured: boolean }): Promise<readonly { readonly name: string }[]>;
}

/** Without the directories, which only the build knows. */
function rowsOf(text: string): string[] {
  const { sections: own, extensions, groups } = JSON.parse(text) as Table;
  const sections: Record<string, Record<string, boolean>> = {};
  for (const part of [own, ...Object.values(extensions).map((each) => each.sections)])
    for (const [section, names] of Object.entries(part)) sections[section] = { ...sections[section], ...names };
  const names = Object.entries(sections).map(([section, each]) => [section, Object.entries(each).sort()]);
  return [...names, ...groups].map((row) => JSON.stringify(row)).sort();
}

test('CF-66 the table has the names of all code that is shipped, once', async () => {
  await bundledOptions();
  const loaded = rowsOf(writeTable(new Map(), [], []));
  assert.ok(loaded.length > 50, String(loaded.length));
  assert.deepEqual(rowsOf(readFileSync(join(root, 'lib', 'shipped-names.json'), 'utf8')), loaded);
});

test('CF-66 without the table a name without an owner cannot be recognized: check is refused as an incomplete package', () => {
  const app = 'export const app = () => (_req, res) => res.end();\n';
  const project = emptyProject({
    'app.js': app,
    'api-paste.ini': '[app:hello]\npaste.app_factory = ./app.js:app\n',
    'portico.ini': '[api:hello]\nport = 0\n[jwt]\nsecret = x\n',
  });
  const installed = join(project.folder, 'portico');
  for (const name of ['lib', 'package.json']) cpSync(join(root, name), join(installed, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(installed, 'node_modules'));
  rmSync(join(installed, 'lib', 'shipped-names.json'));
  const words = [join(installed, 'lib', 'cli', 'main.js'), 'check'];
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { cwd: project.folder, encoding: 'utf8' });
  assert.notEqual(status, 0, stdout);
  assert.match(
    stdout + stderr,
    /this installation of Portico is incomplete: cannot read .*shipped-names\.json\n {2}Install the package again\./,
  );
});

test('LC-1351 only what sets an option of a group configures it: a file, an argument, a variable, or code; its empty section does not', async () => {
  const folder = emptyProject({
    'a.ini': '[servicegroup]\ndriver = memory\n',
    'b.ini': '[DEFAULT]\nlog_level = info\n',
    'empty.ini': '[servicegroup]\n[database]\n# connection = sqlite:////var/lib/portico/portico.db\n',
  });
  const load = async (file: string, env: Record<string, string> = {}, argv: readonly string[] = []) =>
    (await Config.load({ files: [join(folder.folder, file)], env, argv })) as Config & Asked;
  const isConfigured = async (config: Asked): Promise<boolean> =>
    (await config.extensions({ configured: true })).some(({ name }) => name === 'portico/registry');
  assert.equal(await isConfigured(await load('a.ini')), true);
  const plain = await load('b.ini', { PORTICO_DEFAULT__LOG_LEVEL: 'warn', PORTICO_DATABASES__A: '1' });
  assert.equal(await isConfigured(plain), false);
  assert.equal(await isConfigured(await load('empty.ini')), false);
  assert.equal(await isConfigured(await load('b.ini', { PORTICO_DATABASE__CONNECTION: 'x' })), true);
  assert.equal(await isConfigured(await load('b.ini', {}, ['--set', 'servicegroup.driver=memory'])), true);
  plain.setOverride('servicegroup', 'driver', 'memory');
  assert.equal(await isConfigured(plain), true);
});

test('the code of a group is imported for a value of it, and not for its empty section', () => {
  const { folder } = emptyProject({
    'empty.ini': '[oslo_policy]\n[healthcheck]\n',
    'set.ini': '[oslo_policy]\nenforce_scope = false\n',
  });
  const program = `import { Config } from ${JSON.stringify(join(root, 'dist/config/index.js'))};
      import { loadedGroups } from ${JSON.stringify(join(root, 'dist/config/internal.js'))};
      for (const file of ['empty.ini', 'set.ini']) {
        await (await Config.load({ files: [file], argv: false })).toValidate();
        console.log(loadedGroups().some(({ group }) => group === 'oslo_policy'));
      }`;
  const words = ['--input-type=module', '-e', program];
  const { stdout, stderr } = spawnSync(process.execPath, words, { cwd: folder, encoding: 'utf8' });
  assert.equal(stdout, 'false\ntrue\n', stderr);
});
