import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServiceRecord } from 'portico/service';
import { correctedDownTime, isUp, liveness } from '../../dist/extras/registry/service-registry.js';

const NOW = Date.UTC(2026, 0, 1);
const at = (seconds: number): Date => new Date(NOW + seconds * 1000);
const record = (changes: Partial<ServiceRecord> = {}): ServiceRecord =>
  ({
    forcedDown: false,
    state: 'running',
    reportInterval: 10,
    downTime: 60,
    lastSeenUp: at(0),
    createdAt: at(-9999),
    ...changes,
  }) as ServiceRecord;

test('SG-25 SG-59 LC-1352 the truth table of isUp', () => {
  const cases: [string, Partial<ServiceRecord>, 'up' | 'down' | 'unknown'][] = [
    ['a fresh heartbeat', {}, 'up'],
    ['exactly as old as the down time', { lastSeenUp: at(-60) }, 'up'],
    ['a millisecond older', { lastSeenUp: at(-60.001) }, 'down'],
    ['as far in the future as the down time', { lastSeenUp: at(60) }, 'up'],
    ['further in the future', { lastSeenUp: at(60.001) }, 'down'],
    ['new, without a heartbeat', { lastSeenUp: null, createdAt: at(-60) }, 'up'],
    ['without a heartbeat for too long', { lastSeenUp: null, createdAt: at(-61) }, 'down'],
    ['forced down', { forcedDown: true }, 'down'],
    ['stopped a moment ago', { state: 'stopped' }, 'down'],
    ['draining', { state: 'draining' }, 'up'],
    ['starting', { state: 'starting' }, 'up'],
    ['disabled', { disabled: true }, 'up'],
    ['its own down time is the one that counts', { lastSeenUp: at(-90), downTime: 120 }, 'up'],
    ['no heartbeats promised', { reportInterval: 0, lastSeenUp: null }, 'unknown'],
    ['no heartbeats promised, but stopped', { reportInterval: 0, state: 'stopped' }, 'down'],
    ['no heartbeats promised, but forced down', { reportInterval: 0, forcedDown: true }, 'down'],
  ];
  for (const [what, changes, expected] of cases) {
    assert.equal(liveness(record(changes), at(0)), expected, what);
    assert.equal(isUp(record(changes), at(0)), expected !== 'down', what);
  }
});

test('SG-27 LC-1353 a down time that leaves no beat to miss is raised to two and a half intervals', () => {
  assert.equal(correctedDownTime(60, 10), 60);
  assert.equal(correctedDownTime(10, 10), 25);
  assert.equal(correctedDownTime(5, 15), 37);
});
