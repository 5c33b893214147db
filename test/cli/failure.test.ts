import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyProject, Program } from '../e2e/program.js';

test('LC-373 OP-3 an application that throws is explained, and ends with 1, also if it throws no error', async () => {
  for (const [thrown, said] of [
    ['undefined', /./],
    ["new Error('boom')", /^Error: boom\n/],
  ] as const) {
    const text = `import { runMain } from 'portico';\nawait runMain(() => { throw ${thrown}; });\n`;
    const project = emptyProject({ 'main.js': text });
    const program = new Program(process.execPath, ['main.js'], { cwd: project.folder });
    assert.deepEqual(await program.ended, { code: 1, signal: null }, program.output());
    assert.match(program.stderr, said);
    assert.doesNotMatch(program.stderr, /exit-status|TypeError/);
  }
});

test('CF-14 --help and --version of an application of runMain are printed on standard output, and end with 0', async () => {
  const text = `import { runMain } from 'portico';
    import { Config, defineOptions, integer } from 'portico/config';
    const size = defineOptions({ size: integer({ default: 1, cli: true, help: 'How much.' }) });
    await runMain(async () => {
      await Config.load({ argv: process.argv.slice(2), prog: 'sizes', version: '1.2.3', groups: { DEFAULT: size } });
      return 3;
    });\n`;
  const project = emptyProject({ 'main.js': text });
  for (const [word, said] of [
    ['--help', /^Usage: sizes.*--size SIZE.*How much\.\n$/s],
    ['--version', /^sizes 1\.2\.3\n$/],
  ] as const) {
    const program = new Program(process.execPath, ['main.js', word], { cwd: project.folder });
    assert.deepEqual(await program.ended, { code: 0, signal: null }, program.output());
    assert.match(program.stdout, said);
    assert.equal(program.stderr, '');
  }
});
