import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { Config, type OptionDeclarations } from 'portico/config';
import { ConfigError } from '#internal/config';
import { heartbeatOptions, managerOptions } from '#internal/service';

/** Returns the values of a group without any source. */
function defaults(group: string, options: OptionDeclarations): Record<string, unknown> {
  return { ...new Config().group(group, options) };
}

test('LC-1231 LC-1232 LC-1240 what is read about records and heartbeats, and its defaults', () => {
  assert.deepEqual(defaults('DEFAULT', heartbeatOptions), {
    host: hostname(),
    reportInterval: 10,
    serviceDownTime: 60,
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
