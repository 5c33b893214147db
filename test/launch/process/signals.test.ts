import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { constants } from 'node:os';
import { test } from 'node:test';
import { createLogger } from 'portico';
import type { LaunchSettings } from 'portico/launch';
import { SignalHandler } from '#internal/launch';
import { silentLogger } from '#internal/log';
import { readSettings } from '../../../dist/launch/launcher-options.js';
import { HookList } from '../../../dist/launch/process/hook-list.js';
import { signalTable } from '../../../dist/launch/process/signals.js';

function fakeSource(): EventEmitter {
  return new EventEmitter();
}

test('LC-501 there is no singleton: two handlers are two', () => {
  const source = fakeSource();
  const [a, b] = [new SignalHandler({ source }), new SignalHandler({ source })];
  assert.notEqual(a, b);
  const heard: string[] = [];
  a.addHandler('SIGTERM', () => heard.push('a'));
  b.addHandler('SIGTERM', () => heard.push('b'));
  a.clear();
  source.emit('SIGTERM');
  assert.deepEqual(heard, ['b']);
});

test('LC-6 LC-501 importing and constructing installs no listener', () => {
  const source = fakeSource();
  const handler = new SignalHandler({ source });
  assert.deepEqual(source.eventNames(), []);
  assert.ok(handler);
});

test('LC-502 a handler can be taken away again, and an unknown name is ignored', () => {
  const source = fakeSource();
  const handler = new SignalHandler({ source });
  const heard: string[] = [];
  const dispose = handler.addHandler('SIGHUP', () => heard.push('first'));
  handler.addHandler('SIGHUP', () => heard.push('second'));
  handler.addHandler('SIGNOTHING', () => heard.push('never'));
  assert.deepEqual(source.eventNames(), ['SIGHUP']);
  dispose();
  dispose();
  source.emit('SIGHUP');
  assert.deepEqual(heard, ['second']);
});

test('LC-503 one listener for several signals', () => {
  const source = fakeSource();
  const handler = new SignalHandler({ source });
  const heard: string[] = [];
  const dispose = handler.addHandlers(['SIGUSR2', 'SIGHUP'], (name) => heard.push(name));
  source.emit('SIGHUP');
  source.emit('SIGUSR2');
  dispose();
  assert.equal(source.listenerCount('SIGHUP'), 0);
  assert.deepEqual(heard, ['SIGHUP', 'SIGUSR2']);
});

test('LC-504 LC-1930 the handler added last runs first, and those added as last run after all', () => {
  const source = fakeSource();
  const handler = new SignalHandler({ source });
  const heard: string[] = [];
  handler.addHandler('SIGTERM', () => heard.push('first'));
  handler.addHandler('SIGTERM', () => heard.push('launcher'), { last: true });
  handler.addHandler('SIGTERM', () => heard.push('second'));
  source.emit('SIGTERM');
  assert.deepEqual(heard, ['second', 'first', 'launcher']);
});

test('LC-505 a handler gets the name and the number', () => {
  const source = fakeSource();
  const handler = new SignalHandler({ source });
  const heard: unknown[] = [];
  handler.addHandler('SIGTERM', (...args) => heard.push(args));
  source.emit('SIGTERM');
  assert.deepEqual(heard, [['SIGTERM', constants.signals.SIGTERM]]);
});

test('LC-507 clear removes only what came through this object, and not from the delivery under way', () => {
  const source = fakeSource();
  const heard: string[] = [];
  const own = (): void => void heard.push('application');
  source.on('SIGTERM', own);
  const handler = new SignalHandler({ source });
  handler.addHandler('SIGTERM', () => heard.push('first'));
  handler.addHandler('SIGTERM', () => handler.clear());
  source.emit('SIGTERM');
  assert.deepEqual(heard, ['application', 'first']);
  assert.deepEqual(source.listeners('SIGTERM'), [own]);
});

test('LC-508 signals are those of the platform; SIG_BLOCK is none', () => {
  const handler = new SignalHandler({ source: fakeSource() });
  assert.equal(handler.isSignalSupported('SIGHUP'), true);
  assert.equal(handler.isSignalSupported('SIG_BLOCK'), false);
  assert.equal(handler.isSignalSupported('toString'), false);
});

test('LC-509 a handler that throws or rejects is logged, and the others run', async () => {
  const source = fakeSource();
  const lines: string[] = [];
  const log = createLogger({ format: 'json', destination: { write: (line) => lines.push(line) } });
  const handler = new SignalHandler({ source, log });
  const heard: string[] = [];
  handler.addHandler('SIGTERM', () => heard.push('first'));
  handler.addHandler('SIGTERM', () => {
    throw new Error('thrown');
  });
  handler.addHandler('SIGTERM', () => Promise.reject(new Error('rejected')));
  source.emit('SIGTERM');
  await new Promise(setImmediate);
  assert.deepEqual(heard, ['first']);
  assert.equal(lines.length, 2);
  assert.match(lines.join(''), /thrown[\s\S]*rejected/);
});

test('LC-506 a signal that comes while its handler runs is another run, after this one', async () => {
  const handler = new SignalHandler();
  const heard: string[] = [];
  // A signal handler does not keep a process alive.
  const alive = setInterval(() => undefined, 1000);
  await new Promise<void>((resolve) => {
    handler.addHandler('SIGWINCH', () => {
      const run = heard.length / 2;
      heard.push(`begin ${run}`);
      if (run < 2) process.kill(process.pid, 'SIGWINCH');
      heard.push(`end ${run}`);
      if (run === 2) resolve();
    });
    process.kill(process.pid, 'SIGWINCH');
  });
  clearInterval(alive);
  handler.clear();
  assert.deepEqual(heard, ['begin 0', 'end 0', 'begin 1', 'end 1', 'begin 2', 'end 2']);
});

/** The actions of a launcher for a list of signals. */
function acted(
  signals: readonly string[],
  given: {
    daemon?: boolean;
    supervised?: boolean;
    windows?: boolean;
    settings?: Partial<LaunchSettings>;
    now?: () => number;
  } = {},
): string[] {
  const done: string[] = [];
  let seconds = 0;
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
      settings: () => ({ ...readSettings(), ...given.settings }),
      log: silentLogger(),
      supervised: given.supervised ?? false,
      isDaemon: () => given.daemon ?? true,
      windows: given.windows ?? false,
      now: given.now ?? (() => 1000 * seconds++),
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

test('RW-3 SIGHUP to a worker asks for its replacement, and does nothing if its parent changes workers in place', () => {
  assert.deepEqual(acted(['SIGHUP'], { supervised: true }), ['restart']);
  assert.deepEqual(acted(['SIGHUP'], { supervised: true, settings: { restartMethod: 'mutate' } }), []);
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
  // One from the terminal, and the same one forwarded by npm.
  assert.deepEqual(acted(['SIGINT', 'SIGINT'], { settings: { sigint: 'graceful' }, now: () => 0 }), ['stop']);
  // A worker receives one SIGTERM to the group twice: directly and from its supervisor.
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
