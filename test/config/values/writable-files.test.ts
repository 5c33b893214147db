/** Files of a configuration that all users of the machine can write: a warning for each, and for each of their folders. */

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readConfiguration } from '../../../dist/cli/configured/configuration.js';
import { validateAll } from '../../../dist/cli/validate/validate-all.js';
import { writableAmong } from '../../../dist/config/values/writable-files.js';
import { command } from '../../cli/command.js';
import { emptyProject } from '../../fixtures/project.js';

const FILES = {
  'etc/portico.ini':
    '[DEFAULT]\nenabled_apis = hello\napi_paste_config = api-paste.ini\n[api:hello]\nport = 0\nworkers = 1\n',
  'etc/api-paste.ini': '[app:hello]\nuse = config:more/apps.ini#echo\n',
  'etc/more/apps.ini': '[app:echo]\npaste.app_factory = portico/middleware:echo\n',
};

test('AU-6 check warns of a configuration, paste or included file, and of a folder, that all can write', async () => {
  const { folder } = emptyProject(FILES);
  const etc = join(folder, 'etc');
  const found = async (...set: string[]): Promise<string[]> => {
    const config = await readConfiguration({ configFile: [join(etc, 'portico.ini')], set }, { collect: true });
    const all = await validateAll(config);
    return all.flatMap(({ severity, code, message }) =>
      code === 'PORTICO_CONFIG_WRITABLE' ? `${severity}: ${message.replaceAll(etc, 'etc')}` : [],
    );
  };
  assert.deepEqual(await found(), []);
  const paths = ['portico.ini', 'api-paste.ini', 'more/apps.ini', 'more'];
  for (const path of paths) chmodSync(join(etc, path), path === 'more' ? 0o777 : 0o666);
  const warnings = [
    ...paths.slice(0, 3).map((path) => `warning: all users of this machine can change etc/${path}: its mode is 0666`),
    'warning: all users of this machine can replace files in etc/more: its mode is 0777',
  ];
  assert.deepEqual(await found(), warnings);
  assert.deepEqual(await found('check_file_modes=no'), []);
  const { stdout } = command(['check', join(etc, 'api-paste.ini')], { cwd: folder });
  assert.match(
    stdout,
    /^warning: .* can change \S+api-paste\.ini: its mode is 0666\n {2}Run chmod o-w \S+api-paste\.ini$/m,
  );
});

test('AU-6 what all may write and nobody can change is no warning', () => {
  const { folder } = emptyProject({});
  const sticky = join(folder, 'sticky');
  mkdirSync(sticky);
  const file = join(sticky, 'portico.ini');
  writeFileSync(file, '');
  // As /tmp: only the owner of a file replaces it.
  chmodSync(sticky, 0o1777);
  assert.deepEqual(writableAmong([file, '/dev/null', join(folder, 'missing', 'portico.ini')]), []);
});

test('AU-6 a folder that all can write is found behind a link, and so is the folder of a link', () => {
  const { folder } = emptyProject({ 'shared/x.ini': '', 'etc/none': '', 'links/none': '' });
  const at = (path: string): string => join(folder, path);
  symlinkSync(at('links/now.ini'), at('etc/portico.ini'));
  symlinkSync('../shared/x.ini', at('links/now.ini'));
  const warnings = (): string[] =>
    writableAmong([at('etc/portico.ini')]).map(({ message }) => message.replaceAll(folder, ''));
  assert.deepEqual(warnings(), []);
  chmodSync(at('shared'), 0o777);
  chmodSync(at('links'), 0o777);
  const replaced = (path: string): string => `all users of this machine can replace files in ${path}: its mode is 0777`;
  assert.deepEqual(warnings(), [replaced('/links'), replaced('/shared')]);
});
