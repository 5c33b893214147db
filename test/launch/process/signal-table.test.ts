import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from 'portico';
import type { LaunchSettings } from 'portico/launch';
import { DEFAULT_SETTINGS } from '#internal/launch';
import { HookList } from '../../../dist/launch/process/hook-list.js';
import { signalTable } from '../../../dist/launch/process/signal-table.js';

/** What each signal of a list makes a launcher do. */
function acted(
  signals: readonly string[],
  given: { daemon?: boolean; supervised?: boolean; windows?: boolean; settings?: Partial<LaunchSettings> } = {},
): string[] {
  const done: string[] = [];
  const note = (what: string) => () => void done.push(what);
  const table = signalTable(
    {
      stopping: () => done.includes('stop'),
      remaining: () => '1.0 s',
      stop: note('stop'),
      halt: note('halt'),
      reload: note('restart'),
      resize: (by) => void done.push(`resize ${by}`),
    },
    {
      settings: () => ({ ...DEFAULT_SETTINGS, ...given.settings }),
      log: silentLogger(),
      supervised: given.supervised ?? false,
      isDaemon: () => given.daemon ?? true,
      windows: given.windows ?? false,
    },
  );
  for (const signal of signals) void table[signal]?.(signal, 0);
  return done;
}

test('LC-526 LC-530 LC-1916 SIGHUP in the foreground is a graceful stop, unless it is to reload', () => {
  assert.deepEqual(acted(['SIGHUP'], { daemon: false }), ['stop']);
  assert.deepEqual(acted(['SIGHUP'], { daemon: false, settings: { sighupForeground: 'reload' } }), ['restart']);
  assert.deepEqual(acted(['SIGHUP'], { daemon: true }), ['restart']);
});

test('LC-529 LC-1608 LC-1908 after SIGHUP SIGTERM counts, and after SIGTERM SIGHUP does not', () => {
  assert.deepEqual(acted(['SIGHUP', 'SIGTERM']), ['restart', 'stop']);
  assert.deepEqual(acted(['SIGTERM', 'SIGHUP']), ['stop']);
});

test('LC-512 LC-513 LC-514 what a second SIGTERM and SIGINT do', () => {
  assert.deepEqual(acted(['SIGTERM', 'SIGTERM']), ['stop']);
  assert.deepEqual(acted(['SIGTERM', 'SIGTERM'], { settings: { secondTerm: 'force' } }), ['stop', 'halt']);
  assert.deepEqual(acted(['SIGINT']), ['halt']);
  assert.deepEqual(acted(['SIGTERM', 'SIGINT']), ['stop', 'halt']);
  assert.deepEqual(acted(['SIGINT', 'SIGINT'], { settings: { sigint: 'graceful' } }), ['stop', 'halt']);
  // Of one SIGTERM to the group a worker sees two: its own, and its supervisor's.
  assert.deepEqual(acted(['SIGTERM', 'SIGTERM'], { supervised: true, settings: { secondTerm: 'force' } }), ['stop']);
  assert.deepEqual(acted(['SIGINT', 'SIGTERM'], { supervised: true }), ['stop']);
});

test('LC-537 on Windows Ctrl-C and Ctrl-Break are a graceful stop, and Ctrl-C during it ends at once', () => {
  assert.deepEqual(acted(['SIGINT'], { windows: true }), ['stop']);
  assert.deepEqual(acted(['SIGBREAK'], { windows: true }), ['stop']);
  assert.deepEqual(acted(['SIGBREAK', 'SIGINT'], { windows: true }), ['stop', 'halt']);
});

test('LC-538 SIGTTIN and SIGTTOU resize, but not while stopping', () => {
  assert.deepEqual(acted(['SIGTTIN', 'SIGTTOU', 'SIGTERM', 'SIGTTIN']), ['resize 1', 'resize -1', 'stop']);
});

test('LC-1602 hooks run in order; one that fails skips those after it, for that event only', async () => {
  const hooks = new HookList<[number]>('reload', silentLogger());
  const seen: string[] = [];
  let broken = true;
  hooks.add((n) => seen.push(`first ${n}`));
  hooks.add(() => {
    if (broken) throw new Error('not now');
  });
  const remove = hooks.add((n) => seen.push(`last ${n}`));
  await hooks.run(1);
  broken = false;
  await hooks.run(2);
  remove();
  await hooks.run(3);
  assert.deepEqual(seen, ['first 1', 'first 2', 'last 2', 'first 3']);
});
