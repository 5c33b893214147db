import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyProject, Program } from '../e2e/program.js';

test('LC-373 a program that throws what is no error is explained, and ends with 1', async (t) => {
  for (const thrown of ['undefined', 'null', "'no words'"]) {
    const text = `import { runMain } from 'portico';\nawait runMain(() => { throw ${thrown}; });\n`;
    const project = emptyProject({ 'main.js': text });
    const program = new Program(process.execPath, ['main.js'], { cwd: project.folder });
    t.after(() => project.remove());
    assert.deepEqual(await program.ended, { code: 1, signal: null }, program.output());
    assert.doesNotMatch(program.stderr, /exit-status|TypeError/);
  }
});
