/** A reload that changes `[DEFAULT] extensions`: the list waits for a restart, and each worker is a new process. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { emptyProject } from '../fixtures/project.js';

const { folder } = emptyProject({
  'node_modules/portico-spool/package.json':
    '{ "name": "portico-spool", "type": "module", "portico": { "extension": "./extension.js" } }',
  'node_modules/portico-spool/extension.js':
    "export const extension = { name: 'portico-spool', options: { spool: async () => (await import('./options.js')).spoolOptions } };\n",
  'node_modules/portico-spool/options.js':
    "import { defineOptions, integer } from 'portico/config';\nexport const spoolOptions = defineOptions('spool', { keep: integer({ default: 3, help: 'Days.' }) });\n",
});
let count = 0;

test('a reload with another list accepts the sections that were written with it', async () => {
  const problems = async (before: readonly string[], now: readonly string[]): Promise<unknown> => {
    const file = join(folder, `p${count++}.ini`);
    const program = `
      import { writeFileSync } from 'node:fs';
      import { Config, defineOptions } from 'portico/config';
      const file = process.argv[1];
      const problems = async (config) => (await config.toValidate()).problems().map(({ message }) => message);
      const write = (lines) => writeFileSync(file, JSON.parse(lines).join('\\n'), { mode: 0o600 });
      if (process.argv[4] !== undefined) {
        const worker = { configuration: JSON.parse(process.argv[4]) };
        console.log(JSON.stringify(await problems(await Config.load({ worker, argv: false }))));
      } else {
        write(process.argv[2]);
        const config = await Config.load({ files: [file], argv: false, env: {} });
        config.group('DEFAULT', defineOptions({}));
        write(process.argv[3]);
        const { config: next } = await config.next();
        console.log(JSON.stringify(next.snapshot()));
      }`;
    const lists = [JSON.stringify(before), JSON.stringify(now)];
    const run = async (...words: readonly string[]): Promise<string> => {
      const started = [process.execPath, ['--input-type=module', '-e', program, file, ...lists, ...words]] as const;
      return (await promisify(execFile)(...started, { cwd: folder })).stdout;
    };
    return JSON.parse(await run(await run()));
  };
  const spool = ['[DEFAULT]', 'extensions = portico-spool', '[spool]', 'keep = 5'];
  const database = ['[database]', 'connection = sqlite:///x.db'];
  assert.deepEqual(await problems(['[DEFAULT]'], spool), []);
  assert.deepEqual(await problems(spool, ['[DEFAULT]']), []);
  assert.deepEqual(await problems(['[DEFAULT]', 'extensions = -portico/registry'], ['[DEFAULT]', ...database]), []);
  assert.deepEqual(await problems(['[DEFAULT]'], ['[DEFAULT]', 'extensions = portico-spool', '[spol]']), [
    'unknown section',
  ]);
});
