import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServiceRecord } from 'portico/service';
import { TaskGroup } from 'portico/tasks';
import { silentLogger } from '#internal/log';
import { ManagerHooks } from '#internal/service';

test('LC-546 LC-547 heartbeats go on until requests and tasks have ended; then the hooks, and the last word to the registry', async () => {
  const calls: string[] = [];
  const log = silentLogger();
  const tasks = new TaskGroup({ log });
  let beating = false;
  let endTask = (): void => undefined;
  let endRequests = (): void => undefined;
  const hooks = new ManagerHooks({
    name: 'compute',
    log,
    tasks,
    managers: [{ cleanupHost: () => void calls.push(`cleanupHost, beating ${beating}`) }],
    serve: () => undefined,
    stopAccepting: () => void calls.push('refusing'),
    finish: () => new Promise<void>((resolve) => (endRequests = resolve)),
    release: () => void calls.push('released'),
    registration: {
      read: async () => null,
      register: async () => ({ host: 'here' }) as ServiceRecord,
      join: () => {
        beating = true;
      },
      drain: () => void calls.push('marked as draining'),
      leave: () => {
        beating = false;
        calls.push('marked as stopped');
      },
    },
  });
  await hooks.start();
  tasks.spawn(() => new Promise<void>((resolve) => (endTask = resolve)));
  const turns = async (): Promise<void> => {
    for (let i = 0; i < 10; i++) await new Promise(setImmediate);
  };
  const stopped = hooks.stop({ graceful: true });
  for (const end of [() => endRequests(), () => endTask()]) {
    await turns();
    assert.deepEqual(calls, ['marked as draining', 'refusing']);
    assert.equal(beating, true);
    end();
  }
  await stopped;
  assert.deepEqual(calls.slice(2), ['cleanupHost, beating true', 'marked as stopped', 'released']);
  assert.equal(beating, false);
});

test('LC-1609 a replaced worker accepts no more connections before it writes to the registry, which may be slow', async () => {
  for (const [reason, expected] of [
    ['replaced', ['refusing', 'marked as draining']],
    ['hurried', ['refusing', 'marked as draining']],
    ['stop', ['marked as draining', 'refusing']],
  ] as const) {
    const calls: string[] = [];
    const log = silentLogger();
    const hooks = new ManagerHooks({
      name: 'compute',
      log,
      tasks: new TaskGroup({ log }),
      managers: [],
      serve: () => undefined,
      stopAccepting: () => void calls.push('refusing'),
      registration: {
        read: async () => null,
        register: async () => ({ host: 'here' }) as ServiceRecord,
        join: () => undefined,
        drain: async () => {
          await new Promise(setImmediate);
          calls.push('marked as draining');
        },
        leave: () => undefined,
      },
    });
    await hooks.start();
    await hooks.stop({ graceful: true, reason });
    assert.deepEqual(calls, expected, reason);
  }
});
