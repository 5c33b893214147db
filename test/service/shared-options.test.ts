import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { Config, ConfigError, type OptionDeclarations } from 'portico/config';
import { backdoorOptions, reportOptions } from '#internal/launch';
import { heartbeatOptions } from '#internal/registry';
import { managerOptions } from '#internal/service';

/** The values of a group where nothing is written. */
function defaults(group: string, options: OptionDeclarations): Record<string, unknown> {
  return { ...new Config().group(group, options) };
}

test('LC-1203 LC-1233 LC-1234 what is read about periodic tasks, and its defaults', () => {
  assert.deepEqual(defaults('DEFAULT', managerOptions), {
    periodicEnable: true,
    periodicFuzzyDelay: 60,
    periodicIntervalMax: undefined,
    runExternalPeriodicTasks: true,
    managerShutdownTimeout: 50,
  });
});

test('LC-1231 LC-1232 LC-1240 what is read about records and heartbeats, and its defaults', () => {
  assert.deepEqual(defaults('DEFAULT', heartbeatOptions), {
    host: hostname(),
    reportInterval: 10,
    serviceDownTime: 60,
  });
});

test('LC-1204 LC-1241 the backdoor is off, and reports go to standard error, unless options say otherwise', () => {
  assert.deepEqual(defaults('DEFAULT', backdoorOptions), { backdoorPort: undefined, backdoorSocket: undefined });
  assert.deepEqual(defaults('oslo_reports', reportOptions), {
    logDir: undefined,
    fileEventHandler: undefined,
    fileEventHandlerInterval: 1,
  });
});

test('LC-1231 LC-1234 times below 0 are refused, 0 is a value', () => {
  const read = (text: string): unknown => ({
    ...Config.fromText(`[DEFAULT]\n${text}\n`).group('DEFAULT', { ...managerOptions, ...heartbeatOptions }),
  });
  assert.equal((read('report_interval = 0') as { reportInterval: number }).reportInterval, 0);
  assert.equal((read('periodic_fuzzy_delay = 0') as { periodicFuzzyDelay: number }).periodicFuzzyDelay, 0);
  for (const wrong of ['report_interval = -1', 'periodic_fuzzy_delay = -1', 'service_down_time = 0']) {
    assert.throws(() => read(wrong), ConfigError, wrong);
  }
});
