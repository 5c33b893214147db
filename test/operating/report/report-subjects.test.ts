import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyProject, startMain } from '../../e2e/program.js';

const MAIN = `
import { ProcessLauncher } from 'portico/launch';
import { Service } from 'portico/service';
const launcher = new ProcessLauncher();
launcher.registerReportSection('Stock', () => 'stock of the ' + launcher.role);
launcher.registerReportSection('Broken', () => { throw new Error('no stock today'); });
await launcher.launchService(new Service({ name: 'shop' }), { workers: 2 });
if (launcher.role === 'parent') console.log('launched');
process.exitCode = await launcher.wait();
`;

test('LC-1512 LC-1513 a section of one’s own is in the report of the parent and of each worker, and one that fails says so', async (t) => {
  const project = emptyProject({ 'main.js': MAIN });
  const program = startMain(t, project);
  await program.printed(/launched/);
  program.kill('SIGUSR2');
  await program.printed(/stock of the worker[\s\S]*stock of the worker[\s\S]*stock of the parent[\s\S]*no stock today/);
  assert.equal(program.output().match(/={4} +Stock +={4}/g)?.length, 3);
  assert.equal(program.output().match(/no stock today/g)?.length, 3);
  await program.stop();
});
