import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Config, type OptionDeclarations } from 'portico/config';
import { backdoorOptions, reportOptions } from '#internal/operating';
import { managerOptions } from '#internal/service';

/** Returns the values of a group without any source. */
function defaults(group: string, options: OptionDeclarations): Record<string, unknown> {
  return { ...new Config().group(group, options) };
}

test('LC-1203 LC-1233 LC-1234 what is read about periodic tasks, and its defaults', () => {
  assert.deepEqual(defaults('DEFAULT', managerOptions), {
    periodicEnable: true,
    periodicFuzzyDelay: 60,
    runExternalPeriodicTasks: true,
    managerShutdownTimeout: 50,
  });
});

test('LC-1204 LC-1241 the backdoor is off, and reports go to standard error, unless options say otherwise', () => {
  assert.deepEqual(defaults('DEFAULT', backdoorOptions), { backdoorPort: undefined, backdoorSocket: undefined });
  assert.deepEqual(defaults('oslo_reports', reportOptions), { logDir: undefined, fileEventHandler: undefined });
});
