/** The parent of a fleet loads no module that only its workers need. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiCli, emptyProject, Program } from './program.js';

const told = String.raw`import { writeSync } from 'node:fs';
export async function load(url, context, next) {
  const [, module] = /\/lib\/(middleware\/.*)/.exec(url) ?? /\/node_modules\/(fastify)\//.exec(url) ?? [];
  if (module !== undefined) writeSync(2, process.pid + ' loads ' + module + '\n');
  return next(url, context);
}`;

test('a parent that has settings on its command line, and a section of its application, loads no filter', async (t) => {
  const { folder, remove } = emptyProject({
    'hooks.js': told,
    'register.js': "import { register } from 'node:module';\nregister('./hooks.js', import.meta.url);\n",
    'api-paste.ini': '[app:silent]\npaste.app_factory = ./apps.js:silent\n',
    'apps.js': 'export const silent = () => (req, res) => res.end();\n',
    'portico.ini': '[api:silent]\nport = 0\n[cors]\nmax_age = 5\n[mine]\nsize = 5\n',
  });
  t.after(remove);
  const loaded = async (setting: string): Promise<string[]> => {
    const words = ['--import', './register.js', apiCli, '--set', 'api:silent.port=0', '--set', setting];
    const program = new Program(process.execPath, words, { cwd: folder });
    await program.printed(/"event":"ready"|unknown option/);
    program.kill('SIGTERM');
    await program.ended;
    const lines = program.stderr.split('\n').map((line) => line.split(' loads '));
    return lines.flatMap(([pid, module]) => (pid === String(program.pid) && module !== undefined ? [module] : []));
  };
  assert.deepEqual(await loaded('api:silent.workers=1'), []);
  // A filter may have declared the option, so all of them are loaded.
  assert.ok((await loaded('wsg.pool=1')).includes('middleware/cors.js'));
});
