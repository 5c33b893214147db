/** Files of a configuration directory that are not read: those that the validation reports, in `check`, a start and a reload. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { readConfiguration } from '../../../dist/cli/configured/configuration.js';
import { validateAll } from '../../../dist/cli/validate/validate-all.js';
import { emptyProject } from '../../fixtures/project.js';

test('CF-6 a file of a configuration directory that sets options and is not *.conf is a warning', async () => {
  const ours = '[DEFAULT]\nstate_path = x\n';
  const { folder } = emptyProject({
    'etc/a.conf': ours,
    'etc/10-site.ini': ours,
    'etc/20-api.cnf': '[api:hello]\nport = 1\n',
    'etc/site': ours,
    'etc/named.ini': ours,
    'etc/below.ini/a.ini': ours,
    'etc/.site.ini': ours,
    'etc/site.ini~': ours,
    'etc/#site.ini#': ours,
    'etc/site.ini.bak': ours,
    'etc/a.conf.rpmsave': ours,
    'etc/api-paste.ini': `${ours}[app:main]\nuse = egg:x\n`,
    'etc/logging.ini': '[loggers]\nkeys = root\n',
    'etc/policy.yaml': 'state_path: x\n',
    'etc/README': 'Files *.conf are read.\n',
  });
  const etc = join(folder, 'etc');
  // A read of it would block.
  spawnSync('mkfifo', [join(etc, 'fifo')]);
  const named = { configFile: [join(etc, 'named.ini')], configDir: [etc] };
  const diagnostics = await validateAll(await readConfiguration(named, { collect: true }));
  assert.deepEqual(
    diagnostics.flatMap(({ severity, code, message }) =>
      code === 'PORTICO_CONFIG_PASSED_OVER' ? `${severity}: ${message}` : [],
    ),
    ['10-site.ini', '20-api.cnf', 'site'].map(
      (name) => `warning: ${join(etc, name)} is not read: of a configuration directory only the files *.conf are`,
    ),
  );
});
