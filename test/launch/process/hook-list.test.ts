import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Program, startModule } from '../../e2e/program.js';

/** An application whose launcher has hooks that never settle. */
function program(t: TestContext, hooks: string, settings: string): Program {
  return startModule(
    t,
    `
import { createLogger } from 'portico';
import { ProcessLauncher } from 'portico/launch';
import { Service } from 'portico/service';
const never = () => new Promise(() => {});
const log = createLogger({ level: 'info', format: 'json' });
const launcher = new ProcessLauncher({ log, settings: ${settings} });
${hooks}
class Shop extends Service {
  stop(options) {
    log.info('the shop closes');
    return super.stop(options);
  }
}
await launcher.launchService(new Shop({ name: 'shop' }), { workers: 1 });
if (launcher.role === 'parent') console.log('launched');
process.exitCode = await launcher.wait();
`,
  );
}

test('LC-1602 a hook for the stop that never ends is named, and the workers are asked to stop in good time', async (t) => {
  const started = program(
    t,
    `launcher.onTerminate(function tellEverybody() { return never(); });
     launcher.onTerminate(() => log.info('the second hook ran'));`,
    '{ gracefulShutdownTimeoutMs: 1200 }',
  );
  await started.printed(/launched/);
  started.kill();
  await started.printed(/the hook tellEverybody for terminate did not end within 0\.2 s/);
  await started.printed(/the shop closes/);
  assert.deepEqual(await started.ended, { code: 0, signal: null }, started.output());
  assert.doesNotMatch(started.output(), /the second hook ran/);
});

test('LC-1602 a hook for the reload that never ends refuses that reload, named, and the next is looked at', async (t) => {
  const started = program(
    t,
    `let reloads = 0;
     launcher.onReload(function announce() { if (++reloads === 1) return never(); });`,
    '{ workerStartTimeoutMs: 3000 }',
  );
  await started.printed(/launched/);
  started.kill('SIGHUP');
  await started.printed(/Reload refused.*the hook announce for reload did not end within 3 s/);
  started.kill('SIGHUP');
  await started.printed(/Reload accepted/);
  await started.stop();
});

test('LC-1512 a section of a report that never comes says so, and the rest of the report is there', async (t) => {
  const started = program(
    t,
    `launcher.registerReportSection('Stuck', never); launcher.registerReportSection('Stock', () => 'all is ' + 'here');`,
    '{}',
  );
  await started.printed(/launched/);
  started.kill('SIGUSR2');
  await started.printed(
    /Worker 0 of shop[\s\S]*this section did not respond within 1000 ms[\s\S]*all is here[\s\S]*all is here/,
  );
  await started.stop();
});
