/** The status of a start that fails: of a configuration that `check` refuses, and of what may succeed later. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { apiCli, emptyProject } from '../../fixtures/project.js';
import { command } from '../command.js';

const app = (body: string): string =>
  `import { Router } from 'portico';\nexport const app = () => {\n  const router = new Router();\n  ${body}\n  return router.build();\n};\n`;

const CASES = [
  [78, /requierd/, "router.post('/things', { body: { requierd: ['a'] } }, () => 1);"],
  [78, /stauts/, "router.get('/things', { stauts: 201 }, () => 1);"],
  [1, /database is away/, "throw new Error('database is away');"],
] as const;

test('a route table that check refuses ends a start with 78, in one process and with workers; another error of a factory with 1', () => {
  for (const [status, says, body] of CASES) {
    const { folder: cwd } = emptyProject({
      'x.js': app(body),
      'api-paste.ini': '[app:hello]\npaste.app_factory = ./x.js:app\n',
      'portico.ini': '[DEFAULT]\nenabled_apis = hello\n[api:hello]\nport = 0\n',
    });
    const checked = command(['check'], { cwd });
    assert.deepEqual([checked.status, says.test(checked.stdout)], [78, true], checked.stdout);
    for (const workers of ['DEFAULT.workers=0', 'api:hello.workers=1']) {
      const words = [apiCli, '--set', workers, '--set', 'control.socket='];
      const started = spawnSync(process.execPath, words, { cwd, encoding: 'utf8', timeout: 60_000 });
      assert.deepEqual([started.status, says.test(started.stderr)], [status, true], `${workers}: ${started.stderr}`);
    }
  }
});
