/** The validation of broken configurations: what `check` tells of each, and that a start, a dry run and a reload tell the same. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Config } from 'portico/config';
import { WSGIService } from 'portico/server';
import { ConfigurationRefused, rememberLoaded } from '#internal/config';
import { validateAfter } from '#internal/launch';
import { silentLogger } from '#internal/log';
import type { Diagnostic } from '../../../dist/errors/index.js';
import { emptyProject, root } from '../../e2e/program.js';
import { brokenConfigurations, filesOf } from '../broken-configurations.js';

const folder = pathToFileURL(join(root, 'lib', 'cli', 'validate')).href;
const { validateAll, withAllErrors } = (await import(
  `${folder}/validate-all.js`
)) as typeof import('../../../dist/cli/validate/validate-all.js');

const RECORD = join(root, 'test', 'cli', 'broken-configurations.txt');

/** `error CONFIG_VALUE portico.ini:5:11 [api:shop] workers`. */
function shortened({ severity, code, location: where, section, option }: Diagnostic): string {
  const { file, line, column } = where?.origin ?? {};
  const location = file === undefined ? '-' : [file.split('/').at(-1), line, column].filter(Boolean).join(':');
  const subject = section === undefined ? '' : ` [${section}]${option === undefined ? '' : ` ${option}`}`;
  return `${severity} ${code.replace('PORTICO_', '')} ${location}${subject}`;
}

/** Configurations whose errors concern what such an application does not start: services, other APIs, and the log, which it makes itself. */
const OF_OTHERS =
  /service|\[api:(?:shp|other)\]|logger=|log_file=|pipeline=shp|an empty paste file|no API|only an|only APIs|a missing comma|the second of two|^two APIs/;

/** Returns the errors that an application reports which serves the API itself: none if it serves. */
async function toldByProgram(): Promise<readonly Diagnostic[]> {
  const config = await Config.load({ argv: false, env: {}, collect: true });
  const serve = async (): Promise<readonly Diagnostic[]> => {
    const failures: unknown[] = [];
    const service = new WSGIService('shop', config, { log: silentLogger() });
    await service.prepare().then(
      (letGo) => letGo(),
      (error: unknown) => void failures.push(error),
    );
    return validateAfter([service as never], failures, config as never);
  };
  // `runMain` and `runApis` do this.
  const refused = await serve().then(() => undefined, withAllErrors);
  return refused instanceof ConfigurationRefused ? refused.diagnostics : [];
}

test('OP-19 MI-3 every error of each broken configuration is reported once, with its location; an application that serves the API itself reports the same', async () => {
  const before = process.cwd();
  const found: string[] = [];
  const different: string[] = [];
  const errors = (list: readonly string[]): readonly string[] => list.filter((each) => each.startsWith('error '));
  for (const [name, it] of brokenConfigurations) {
    if (it.hangs) continue;
    const project = emptyProject(filesOf(it));
    try {
      process.chdir(project.folder);
      const config = await Config.load({ argv: false, env: {}, collect: true });
      const list = (await validateAll(config as never)).map(shortened);
      assert.deepEqual([...new Set(list)], list, name);
      found.push(name, ...list.map((each) => `  ${each}`));
      if (OF_OTHERS.test(name)) continue;
      const [expected, told] = [errors(list), errors((await toldByProgram()).map(shortened))];
      if (told.join() !== expected.join())
        different.push(name, ...expected.map((e) => `  < ${e}`), ...told.map((e) => `  > ${e}`));
    } finally {
      process.chdir(before);
    }
  }
  const text = `${found.join('\n')}\n`;
  if (process.env.PORTICO_RECORD === '1') writeFileSync(RECORD, text);
  assert.equal(text, readFileSync(RECORD, 'utf8'));
  assert.deepEqual(different, []);
});

test('OP-19 what a built service does not use, and another one does, is reported once', async () => {
  const before = process.cwd();
  const more = '[api:other]\nport = 0\n';
  const sections = '[app:other]\npaste.app_factory = ./gone.js:app\n';
  const project = emptyProject(filesOf({ defaults: 'log_level = loud', more, sections }));
  try {
    process.chdir(project.folder);
    const told = (await toldByProgram()).filter(({ location }) => location?.origin?.file === 'api-paste.ini');
    assert.deepEqual(told.map(shortened), ['warning PASTE_NO_MODULE api-paste.ini:6:21 [app:other] paste.app_factory']);
  } finally {
    process.chdir(before);
  }
});

/** An app that declares a group with the name of a shipped one; and managers, one of which declares nothing before its start. */
const OWN_CORS = `
import { defineOptions, integer, string } from 'portico/config';
export const app = (_global, _local, ctx) => {
  ctx.config.group('cors', defineOptions({ shade: string({ default: 'red', help: 'A colour.' }) }));
  return (_req, res) => res.end('here');
};
export class Manager {}
`;

/** A module that declares the options of its manager, with their group. */
const OWNER = `
import { defineOptions, integer } from 'portico/config';
export const options = defineOptions('mgr', { size: integer({ default: 1, help: 'Largest number.' }) });
export class Manager {}
`;

test("CF-66 an application's own names are known, or refused, whoever else has such names", async () => {
  const before = process.cwd();
  const b = '[api:other]\nport = 0\n';
  const failing = '[app:other]\npaste.app_factory = ./gone.js:app\n';
  const cases = {
    'a misspelt option of a group with the name of a shipped one': {
      it: { more: '[cors]\nshaed = x', files: { 'app.js': OWN_CORS } },
      told: ['error CONFIG_UNKNOWN_OPTION portico.ini:6:1 [cors] shaed'],
    },
    'a section that a manager reads at its start, without a declaration': {
      it: { api: 'manager = ./app.js:Manager', more: '[mgr]\nsize = 2' },
      told: ['error CONFIG_UNKNOWN_SECTION portico.ini:6:1 [mgr]'],
    },
    'a section that the module of a manager declares': {
      it: { api: 'manager = ./owner.js:Manager', more: '[mgr]\nszie = 2', files: { 'owner.js': OWNER } },
      told: ['error CONFIG_UNKNOWN_OPTION portico.ini:7:1 [mgr] szie'],
    },
    'a section that other_names gives to another program': {
      it: { defaults: 'other_names = nowhere, DEFAULT.my_*', more: '[nowhere]\nx = 1\n[x-notes]\ny = 2' },
      told: [],
    },
    'an unknown section beside code that cannot be loaded: it may own it': {
      it: { more: `${b}[nowhere]\nx = 1`, sections: failing },
      told: [],
    },
  };
  for (const [name, { it, told }] of Object.entries(cases)) {
    const project = emptyProject(filesOf(it));
    const forget = rememberLoaded();
    try {
      process.chdir(project.folder);
      assert.deepEqual((await toldByProgram()).map(shortened), told, name);
    } finally {
      forget();
      process.chdir(before);
    }
  }
});
