import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Config } from 'portico/config';
import { ConfigError } from '#internal/config';
import { heartbeatOptions, managerOptions } from '#internal/service';

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
