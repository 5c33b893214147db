import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RegistryEvent } from 'portico/registry';
import type { ServiceRecord } from 'portico/service';
import { FakeClock } from 'portico/testing';
import { deferred } from '#internal/tasks';
import {
  type MemberIdentity,
  type MembershipOptions,
  MemoryStore,
  RegistryUnavailable,
  StoredRegistry,
} from '../../dist/extras/registry/internal.js';
import { Membership } from '../../dist/extras/registry/membership.js';
import { type Line, recordedLog } from '../tasks/recorded-log.js';
import { announcement } from './announcement.js';

/** A registry with a fake clock that can be unavailable, and its members. */
class House {
  readonly clock = new FakeClock();
  readonly epoch = 1_700_000_000_000;
  readonly inner = new MemoryStore({ now: () => this.epoch + this.clock.now() });
  readonly log = recordedLog();
  readonly alive = new Set<number>();
  readonly verdicts: string[] = [];
  readonly disabled: boolean[] = [];
  readonly events: string[] = [];
  away = false;
  broken = false;
  readonly registry: StoredRegistry;

  constructor() {
    const store = new Proxy(this.inner, {
      get: (target, name) => {
        const member = Reflect.get(target, name) as unknown;
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) => {
          if (this.away) return Promise.reject(new RegistryUnavailable(new Error('connection refused')));
          if (this.broken) return Promise.reject(new Error('a defect'));
          return (member as (...args: unknown[]) => unknown).apply(target, args);
        };
      },
    });
    const onEvent = ({ kind, record }: RegistryEvent): void => void this.events.push(`${kind} ${record.host}`);
    this.registry = new StoredRegistry(store, { log: this.log.log, onEvent });
  }

  member(who: Partial<MemberIdentity> = {}, options: Partial<MembershipOptions> = {}): Membership {
    const { startedAt: _, reportInterval: __, downTime: ___, ...identity } = announcement();
    const pid = who.pid ?? 100;
    this.alive.add(pid);
    return new Membership(
      this.registry,
      { ...identity, worker: 0, ...who, pid },
      {
        reportInterval: 10,
        serviceDownTime: 60,
        initialDelay: 5,
        jitter: 0.1,
        startWait: 60,
        mustRegister: false,
        onDisabled: (isDisabled) => void this.disabled.push(isDisabled),
        retryInterval: 1,
        maxRetryInterval: 10,
        fenceOnForcedDown: false,
        takeover: false,
        inFlight: () => 7,
        onVerdict: (verdict, reason) => void this.verdicts.push(`${verdict}: ${reason}`),
        isAlive: (candidate) => this.alive.has(candidate),
        log: this.log.log,
        clock: this.clock,
        random: () => 0.5,
        ...options,
      },
    );
  }

  async started(who: Partial<MemberIdentity> = {}, options: Partial<MembershipOptions> = {}): Promise<Membership> {
    const member = this.member(who, options);
    await member.read();
    await member.register();
    await member.join();
    return member;
  }

  async view() {
    return (await this.registry.list())[0]!;
  }

  lines(): Line[] {
    return this.log.lines.splice(0);
  }
}

test('SG-8 SG-21 LC-1351 LC-1354 LC-1355 a service starts, beats after 5 s and then every interval, drains and stops', async () => {
  const house = new House();
  const member = house.member();
  assert.equal(await member.read(), null);
  assert.equal((await member.register())?.state, 'starting');
  await member.join();
  let { record, state, workers } = await house.view();
  assert.deepEqual([record.state, record.reportCount, record.lastSeenUp, state], ['running', 0, null, 'up']);
  assert.equal(workers[0]!.pid, 100);
  await house.clock.advance(4999);
  assert.equal((await house.view()).record.reportCount, 0);
  await house.clock.advance(1);
  assert.equal((await house.view()).record.reportCount, 1);
  await house.clock.advance(30_000);
  ({ record, workers } = await house.view());
  assert.equal(record.reportCount, 4);
  assert.deepEqual(record.lastSeenUp, new Date(house.epoch + 35_000));
  assert.equal(workers[0]!.inFlight, 7);
  await member.drain();
  await house.clock.advance(10_000);
  ({ record, state } = await house.view());
  assert.deepEqual([record.state, record.reportCount, state], ['draining', 5, 'up']);
  await member.leave();
  await member.leave();
  ({ record, state, workers } = await house.view());
  assert.deepEqual([record.state, state, workers.length], ['stopped', 'down', 0]);
  await house.clock.advance(100_000);
  assert.equal((await house.view()).record.reportCount, 5);
  assert.equal(house.clock.pending, 0);
});

test('SG-21 beats vary by the jitter, and interval 0 means none: such a service is unknown, never down', async () => {
  const house = new House();
  let next = 0;
  const member = await house.started({}, { random: () => [0, 0.999][next++ % 2]! });
  const beats: number[] = [];
  let count = 0;
  for (let second = 0; second < 40; second++) {
    await house.clock.advance(500);
    const { reportCount } = (await house.view()).record;
    if (reportCount > count) beats.push(house.clock.now() / 1000);
    count = reportCount;
  }
  assert.deepEqual(beats, [5, 14]);
  await member.leave();

  const silent = new House();
  await silent.started({}, { reportInterval: 0 });
  await silent.clock.advance(1e7);
  const { state, record } = await silent.view();
  assert.deepEqual([state, record.reportCount, silent.clock.pending], ['unknown', 0, 0]);
});

test('SG-27 SG-10 SG-59 the corrected down time is the stored one', async () => {
  const house = new House();
  await house.started({}, { reportInterval: 10, serviceDownTime: 10 });
  assert.equal((await house.view()).record.downTime, 25);
  assert.match(house.lines()[0]!.msg, /service_down_time \(10\).*using 25/);
});

test('SG-30 SG-59 LC-1355 a registry that is away: one warning, one recovery with the time, and the service lives', async () => {
  const house = new House();
  await house.clock.advance(1);
  const member = await house.started();
  await house.clock.advance(10_000);
  house.lines();
  house.away = true;
  await house.clock.advance(180_000);
  assert.equal(member.heartbeat.disconnected, true);
  assert.deepEqual(
    house.lines().map(({ msg }) => msg),
    [
      'Lost connection to the service registry; this service continues: the service registry is unavailable: connection refused',
    ],
  );
  house.away = false;
  await house.clock.advance(10_000);
  assert.equal(member.heartbeat.disconnected, false);
  const messages = house.lines().map(({ msg }) => msg);
  assert.deepEqual(messages, ['Recovered from being unable to report status, after 3m.']);
  assert.deepEqual(house.verdicts, []);
  const { state, record } = await house.view();
  assert.deepEqual([state, record.state], ['up', 'running']);
  await member.leave();
});

test('SG-30 once others see the service as down, it says so and goes on', async () => {
  const house = new House();
  const member = await house.started();
  house.away = true;
  await house.clock.advance(60_000);
  assert.equal(member.isLost(), false);
  await house.clock.advance(120_000);
  assert.equal(member.isLost(), true);
  house.away = false;
  await house.clock.advance(20_000);
  assert.equal(member.isLost(), false);
  assert.deepEqual(house.verdicts, []);
});

test('SG-30 an unexpected error is logged with its stack and does not end the heartbeat', async () => {
  const house = new House();
  await house.started();
  house.lines();
  house.broken = true;
  await house.clock.advance(16_000);
  const lines = house.lines();
  const messages = lines.map(({ msg }) => msg);
  assert.deepEqual(messages, Array(2).fill('Unexpected error while reporting service status'));
  assert.match(lines[0]!.err!.stack, /a defect/);
  house.broken = false;
  await house.clock.advance(10_000);
  assert.equal((await house.view()).record.reportCount, 1);
});

test('SG-22 SG-21 a beat that hangs is given up before the next one, counted, and does not pile up', async () => {
  const house = new House();
  const member = await house.started();
  let hanging = 0;
  house.inner.beat = () => {
    hanging++;
    return new Promise(() => {});
  };
  await house.clock.advance(5000 + 60_000);
  assert.ok(hanging >= 3 && hanging <= 7, `${hanging} beats in 60 s`);
  assert.equal(member.heartbeat.disconnected, true);
});

test('LC-1356 SG-23 a heart that beats late says how late, and whether others saw its service as down', async () => {
  for (const [heldUp, late, seen] of [
    [12_000, 12_000, undefined],
    [
      25_000,
      25_000,
      'The event loop was blocked: a heartbeat was 15s late, other services did not see this one as down',
    ],
    [90_000, 90_000, 'The event loop was blocked: a heartbeat was 1m20s late, other services saw this one as down'],
  ] as const) {
    const house = new House();
    const { clock } = house;
    // A blocked event loop runs due timers later, and its clock has advanced meanwhile.
    let ahead = 0;
    const held = { now: () => clock.now() + ahead, after: clock.after.bind(clock) };
    const member = await house.started({}, { clock: held });
    await clock.advance(5000);
    house.lines();
    ahead = heldUp - 10_000;
    await clock.advance(10_000);
    assert.equal(member.heartbeat.lateMs, late - 10_000);
    const messages = house.lines().map(({ msg }) => msg);
    assert.deepEqual(messages, seen === undefined ? [] : [seen]);
    await member.leave();
  }
});

test('SG-31 SG-59 a record that vanished is made anew; one that an operator deleted makes the service drain', async () => {
  const house = new House();
  await house.started();
  await house.clock.advance(5000);
  const { record } = await house.view();
  await house.inner.remove(record.id, 'nobody');
  house.inner.deletedBy = async () => undefined;
  house.lines();
  await house.clock.advance(10_000);
  const again = await house.view();
  assert.notEqual(again.record.uuid, record.uuid);
  assert.equal(again.record.state, 'running');
  assert.match(house.lines()[0]!.msg, /The record of portico-compute on one was deleted while it runs/);

  const other = new House();
  await other.started();
  await other.registry.delete((await other.view()).record.uuid, { force: true, by: 'admin' });
  other.lines();
  await other.clock.advance(60_000);
  assert.deepEqual(other.verdicts, ['drain: its record was deleted']);
  const messages = other.lines().map(({ msg }) => msg);
  assert.deepEqual(messages, ['The record of portico-compute on one was deleted by admin while it runs']);
  assert.deepEqual(await other.registry.list(), []);
});

test('SG-32 a first start that must have its record waits for the registry, says so each 10 s, and gives up in the end', async () => {
  const house = new House();
  house.away = true;
  const member = (): Membership => house.member({}, { mustRegister: true });
  const reading = member().read();
  await house.clock.advance(25_000);
  assert.equal(house.lines().length, 3);
  house.away = false;
  await house.clock.advance(10_000);
  assert.equal(await reading, null);

  house.away = true;
  const failing = assert.rejects(member().register(), RegistryUnavailable);
  await house.clock.advance(60_000);
  await failing;
});

test('NI-3 another start does not wait: it serves, says so with the time, and registers when the registry is back', async () => {
  const house = new House();
  house.away = true;
  const member = await house.started();
  assert.deepEqual(
    house.lines().map(({ level, msg }) => [level, msg]),
    [
      [
        'warn',
        'This service serves, and registers when the service registry is back: the service registry is unavailable: connection refused',
      ],
    ],
  );
  assert.match(
    member.trouble()!,
    /^it serves, not registered since \d{4}-\d\d-\d\dT\d\d:\d\dZ: the service registry is unavailable: connection refused$/,
  );
  await house.clock.advance(50_000);
  assert.deepEqual([house.lines(), member.isLost()], [[], false]);
  await house.clock.advance(20_000);
  assert.equal(member.isLost(), true, 'others see it as down');
  house.away = false;
  await house.clock.advance(11_000);
  assert.match(house.lines()[0]!.msg, /^Recovered from being unable to report status, after/);
  const { record, state, workers } = await house.view();
  assert.deepEqual([record.state, state, workers.length, member.record?.id], ['running', 'up', 1, record.id]);
  assert.deepEqual([member.trouble(), member.isLost(), house.verdicts], [undefined, false, []]);
  await member.leave();
  assert.equal((await house.view()).record.state, 'stopped');
});

test('NI-3 a first start waits five seconds for a registry that is slow: null says that there is no record', async () => {
  const house = new House();
  await (await house.started()).leave();
  const { find } = house.inner;
  house.inner.find = async (...which) => {
    await new Promise<void>((resolve) => void house.clock.after(4000, resolve));
    return find.apply(house.inner, which);
  };
  const reading = house.member().read();
  await house.clock.advance(4000);
  assert.equal((await reading)?.host, 'one');
});

test('NI-3 a registry that accepts and says nothing delays a replaced worker by a second, and a stop not at all', async () => {
  const house = new House();
  const record = await house.member().register();
  const kept = new Map([['record', record]]);
  const { uuid } = record!;
  await house.inner.remove(record!.id, 'nobody');
  const { find } = house.inner;
  house.inner.find = () => new Promise(() => undefined);
  const member = house.member({}, { kept });
  const started = (async () => {
    assert.equal((await member.read())?.uuid, uuid);
    assert.equal((await member.register())?.uuid, uuid);
    await member.join();
  })();
  await house.clock.advance(1000);
  await started;
  assert.match(member.trouble()!, /^it serves, not registered since .*: no response within 1s$/);
  await house.clock.advance(12_000);
  await member.drain();
  await member.leave();
  house.inner.find = find;
  await house.clock.advance(60_000);
  assert.deepEqual(await house.registry.list(), [], 'one that has left does not register');
});

test('NI-3 an attempt to register that is under way when the service leaves writes nothing more', async () => {
  for (const at of ['find', 'workers'] as const) {
    const house = new House();
    await (await house.started()).leave();
    const before = await house.view();
    const responds = deferred();
    const ask = house.inner[at].bind(house.inner) as (...args: unknown[]) => Promise<never>;
    house.inner[at] = async (...args: unknown[]) => {
      await responds.promise;
      return ask(...args);
    };
    const member = house.member({ pid: 2, version: 9 });
    const started = member.register();
    await house.clock.advance(1000);
    await started;
    await member.leave();
    responds.resolve();
    await house.clock.advance(60_000);
    const { record, workers } = await house.view();
    assert.deepEqual([record, workers], [before.record, []], at);
    assert.equal(member.record, undefined, at);
  }
});

test('NI-3 a service without heartbeats registers too when the registry is back', async () => {
  const house = new House();
  house.away = true;
  await house.started({}, { reportInterval: 0 });
  house.away = false;
  await house.clock.advance(10_000);
  const { record, state } = await house.view();
  assert.deepEqual([record.state, state], ['running', 'unknown']);
  await house.clock.advance(100_000);
  assert.deepEqual([(await house.view()).record.reportCount, house.clock.pending], [1, 0]);
});

test('NI-3 SG-35 SG-41 a service that has begun to serve while the registry was away ends if that refuses it', async () => {
  const house = new House();
  await house.started({ pid: 1, machineId: 'another' });
  house.away = true;
  await house.started({ pid: 2 });
  house.away = false;
  await house.clock.advance(30_000);
  assert.equal(house.verdicts.length, 1);
  assert.match(house.verdicts[0]!, /^exit: .*runs on another machine under the host name/);
});

test('NI-3 a process in the place of one that was registered knows its record while the registry is away', async () => {
  const house = new House();
  const kept = new Map<string, unknown>();
  const first = await house.started({ pid: 1 }, { mustRegister: true, kept });
  house.away = true;
  const next = house.member({ pid: 2 }, { kept });
  assert.equal((await next.read())?.uuid, first.record!.uuid);
  assert.equal((await next.register())?.uuid, first.record!.uuid);
  const renamed = house.member({ pid: 3, host: 'other' }, { kept });
  assert.equal(await renamed.read(), null);
});

test('a start that is called off waits no longer for a registry that is away, nor for one that does not respond', async () => {
  const house = new House();
  house.away = true;
  const reason = new Error('called off');
  const calledOff = async (wait: 'read' | 'register', mustRegister: boolean): Promise<void> => {
    const off = new AbortController();
    const waiting = house.member({}, { mustRegister })[wait](off.signal);
    // The wait does not last until the next attempt, because the clock does not advance.
    await new Promise(setImmediate);
    off.abort(reason);
    await assert.rejects(waiting, reason);
    await assert.rejects(house.member()[wait](off.signal), reason);
  };
  for (const wait of ['read', 'register'] as const) await calledOff(wait, true);
  house.away = false;
  house.inner.find = () => new Promise(() => undefined);
  for (const wait of ['read', 'register'] as const) {
    await calledOff(wait, true);
    await calledOff(wait, false);
  }
});

test('SG-34 a creation race between workers ends in one record', async () => {
  const house = new House();
  const members = [0, 1, 2].map((worker) => house.member({ worker, pid: 100 + worker }));
  for (const member of members) assert.equal(await member.read(), null);
  const records = await Promise.all(members.map((member) => member.register()));
  assert.equal(new Set(records.map((record) => record?.id)).size, 1);
  assert.equal((await house.view()).workers.length, 3);
});

test('SG-56 the record of a new service is an event, once; that it starts, beats and ends is none', async () => {
  const house = new House();
  const [first, second] = [await house.started(), await house.started({ worker: 1, pid: 101 })];
  await house.clock.advance(20_000);
  for (const member of [first, second]) {
    await member.drain();
    await member.leave();
  }
  await house.started({ pid: 102 });
  assert.deepEqual(house.events, ['create one']);
});

test('SG-16 SG-59 one worker of two dies: the service is up, that worker is down, and its replacement takes its row', async () => {
  const house = new House();
  const first = await house.started({ worker: 0, pid: 100 });
  const second = await house.started({ worker: 1, pid: 101 });
  await house.clock.advance(10_000);
  // As if the process was killed.
  await (second as unknown as { heartbeat: { stop(): Promise<void> } }).heartbeat.stop();
  house.alive.delete(101);
  await house.clock.advance(61_000);
  let { state, workers, record } = await house.view();
  assert.deepEqual([state, record.state], ['up', 'running']);
  assert.deepEqual(
    workers.map(({ worker, up }) => [worker, up]),
    [
      [0, true],
      [1, false],
    ],
  );
  await house.started({ worker: 1, pid: 102 });
  ({ workers, record } = await house.view());
  assert.deepEqual(
    workers.map(({ worker, pid, up }) => [worker, pid, up]),
    [
      [0, 100, true],
      [1, 102, true],
    ],
  );
  assert.equal(record.state, 'running');
  await first.leave();
});

test('SG-24 a service is draining, and stopped, with the last of its workers; a replaced worker says nothing', async () => {
  const house = new House();
  const old = await house.started({ worker: 0, pid: 100 });
  const sibling = await house.started({ worker: 1, pid: 101 });
  const replacement = await house.started({ worker: 0, pid: 102 });
  const states: string[] = [];
  const note = async (): Promise<void> => void states.push((await house.view()).record.state);
  await old.drain();
  await note();
  await old.leave();
  await note();
  await Promise.all([sibling.drain(), replacement.drain()]);
  await note();
  await sibling.leave();
  await note();
  await replacement.leave();
  await note();
  assert.deepEqual(states, ['running', 'running', 'draining', 'stopped', 'stopped']);
});

test('SG-24 a registry that is away does not hold up an end', async () => {
  const house = new House();
  const member = await house.started();
  house.away = true;
  await member.drain();
  await member.leave();
  assert.equal(house.clock.pending, 0);
});

test('SG-35 SG-59 a second machine under one host name is refused while the first is up, unless it takes over', async () => {
  const house = new House();
  const first = await house.started();
  house.lines();
  const machineId = 'machine-2';
  await assert.rejects(house.member({ machineId }).register(), {
    code: 'PORTICO_HOST_TAKEN',
    hint: /--set servicegroup\.takeover=true/,
  });
  await house.started({ machineId, instanceId: 'instance-2', pid: 200 }, { takeover: true });
  await house.clock.advance(125_000);
  const errors = house.lines().filter(({ level }) => level === 'error');
  assert.equal(errors.length, 3);
  assert.match(errors[0]!.msg, /another portico-compute has registered under the host name one/);
  await first.leave();

  const abandoned = new House();
  const gone = await abandoned.started();
  await (gone as unknown as { heartbeat: { stop(): Promise<void> } }).heartbeat.stop();
  await abandoned.clock.advance(61_000);
  await abandoned.member({ machineId }).register();
});

test('SG-40 SG-41 SG-42 versions: an older service is refused, a change is logged', async () => {
  const house = new House();
  await house.started({ host: 'one', version: 3 });
  await assert.rejects(house.member({ host: 'two', version: 2 }).register(), { code: 'PORTICO_SERVICE_TOO_OLD' });
  await house.member({ host: 'two', version: 2 }, { takeover: true }).register();
  assert.equal(await house.registry.minVersion('portico-compute', 'other'), 2);
  house.lines();
  await house.member({ host: 'two', version: 4 }).register();
  assert.equal(house.lines()[0]!.msg, 'Updating service version for portico-compute on two from 2 to 4');
  assert.equal(await house.registry.minVersion('portico-compute'), 3);
  assert.equal(await house.registry.minVersion('nothing'), undefined);
});

test('SG-29 forced_down: a beat never clears it; the service says so once, and drains where it is fenced', async () => {
  const house = new House();
  const kept = new Map<string, unknown>();
  await house.started({}, { fenceOnForcedDown: true, kept });
  const { uuid } = (await house.view()).record;
  await house.registry.update(uuid, { forcedDown: true });
  house.lines();
  await house.clock.advance(60_000);
  const { record, state } = await house.view();
  assert.deepEqual([record.forcedDown, record.reportCount, state], [true, 6, 'down']);
  assert.equal(house.lines().length, 1);
  assert.deepEqual(house.verdicts, ['drain: an operator forced it down']);
  const { forcedDown } = kept.get('record') as ServiceRecord;
  await house.registry.update(uuid, { forcedDown: false });
  await house.clock.advance(10_000);
  assert.deepEqual(
    [forcedDown, (kept.get('record') as ServiceRecord).forcedDown],
    [true, false],
    'for the next process',
  );
});

test('NI-6 a service hears at its start and by its heartbeat that it is disabled or enabled, also the process after it', async () => {
  const house = new House();
  const kept = new Map<string, unknown>();
  const member = await house.started({}, { kept });
  assert.deepEqual(house.disabled.splice(0), [false]);
  const { uuid } = (await house.view()).record;
  await house.registry.update(uuid, { status: 'disabled', disabledReason: 'new disks' });
  await house.clock.advance(10_000);
  assert.deepEqual(house.disabled.splice(0), [true]);
  assert.match(member.trouble()!, /^it is disabled by an operator \(new disks\)/);
  house.away = true;
  await house.started({ pid: 2 }, { kept });
  assert.deepEqual(house.disabled.splice(0), [true], 'while the registry is away');
  house.away = false;
  await house.registry.update(uuid, { status: 'enabled' });
  await house.clock.advance(20_000);
  assert.deepEqual(house.disabled, [false, false]);
  assert.equal(member.trouble(), undefined);
});

test('SG-59 SG-28 a disable does not revive a dead service, and disabled services beat', async () => {
  const house = new House();
  const member = await house.started();
  await house.clock.advance(5000);
  await (member as unknown as { heartbeat: { stop(): Promise<void> } }).heartbeat.stop();
  await house.clock.advance(61_000);
  const { uuid } = (await house.view()).record;
  const disabled = await house.registry.update(uuid, { status: 'disabled', disabledReason: 'disk' });
  assert.deepEqual([disabled.state, disabled.record.disabled, disabled.record.disabledReason], ['down', true, 'disk']);

  const alive = new House();
  await alive.started();
  const of = (await alive.view()).record.uuid;
  await alive.registry.update(of, { status: 'disabled' });
  await alive.clock.advance(5000);
  const { state, record } = await alive.view();
  assert.deepEqual([state, record.disabled, record.reportCount], ['up', true, 1]);
});

test('AU-8 in a rolling reload a fleet task never runs in both workers: the new one gets the lease when the old one has left', async () => {
  const house = new House();
  const old = await house.started({ pid: 100 });
  assert.equal(await old.lease('books.clean', 60), true);
  const next = await house.started({ pid: 101 });
  assert.equal(await next.lease('books.clean', 60), false);
  assert.equal(await old.lease('books.clean', 60), true);
  await old.leave();
  assert.equal(await next.lease('books.clean', 60), true);
});

test('SG-25 a worker that joins while the last one leaves keeps the record of its host running', async () => {
  const house = new House();
  const first = await house.started();
  const second = house.member({ worker: 1, pid: 101 });
  await second.read();
  const update = house.inner.update.bind(house.inner);
  house.inner.update = async (id, changes) => {
    house.inner.update = update;
    await second.register();
    await second.join();
    return update(id, changes);
  };
  await first.leave();
  assert.equal((await house.view()).record.state, 'running');
});

test('SG-31 a lease that has ended before the response came is not held', async () => {
  const house = new House();
  const member = await house.started();
  const lease = house.inner.lease.bind(house.inner);
  house.inner.lease = async (...words) => {
    const isHeld = await lease(...words);
    await house.clock.advance(3000);
    return isHeld;
  };
  assert.deepEqual([await member.lease('clean', 4), await member.lease('clean', 2)], [true, false]);
});
