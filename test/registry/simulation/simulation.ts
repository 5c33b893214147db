/**
 * A simulation of the registry: services beat into a database whose server, clock and network are pretended; processes stand
 * still, die, start and stop. A second book of the statements to the database says what each reader must see.
 */

import type { Logger } from 'portico';
import type { ServiceStore } from 'portico/registry';
import type { Clock } from 'portico/tasks';
import { RegistryUnavailable, StoredRegistry } from '../../../dist/extras/registry/internal.js';
import { PostgresqlStore } from '../../../dist/extras/registry/postgresql-store.js';
import { SqliteStore } from '../../../dist/extras/registry/sqlite-store.js';
import { World } from '../../simulation/world.js';
import { Member } from './member.js';
import { Folder } from './pretended-disk.js';
import { type DatabaseWorld, PretendedPool, PretendedServer, type Trouble } from './pretended-postgresql.js';

const HOSTS = ['north', 'south'];
const TASKS = ['clean', 'audit'];
const DAY_MS = 86_400_000;
/** Time of a few statements that are in nobody's way. */
const SLACK_MS = 1000;

type Row = Readonly<Record<string, unknown>>;

export class Simulation extends World implements DatabaseWorld {
  readonly interval: number;
  readonly downTime: number;
  readonly members: Member[] = [];
  readonly observer: StoredRegistry;
  readonly #server: PretendedServer;
  /** The directory of the database, if it is a file. */
  readonly #folder: Folder | undefined;
  trouble: Trouble = 'none';
  /** Since when statements are done and their responses sent. */
  #soundSince = 0;
  /** Since when there is the present trouble. */
  #troubledAt = 0;
  /** Difference of the server's wall clock, and when it was set. */
  #wallMs = 0;
  #setAt = Number.NEGATIVE_INFINITY;
  #pids = 100;
  /** The last heartbeat of each record, by the server's clock, and their number. */
  readonly #beats = new Map<number, { at: number; count: number }>();
  readonly #leases = new Map<string, { readonly owner: string; readonly until: number }>();
  /** The outcome of the last lease that the database has done for a process. */
  readonly #granted = new Map<string, boolean>();
  /** Requests that have not settled, with the members that wait for them. */
  readonly #work = new Map<Promise<unknown>, Member | undefined>();
  /** Time of the last removal of a record, by host. */
  readonly #removedAt = new Map<string, number>();
  /** Hosts whose record an operator has wanted to remove, and those whose services must not come back by themselves. */
  readonly #removals = new Set<string>();
  readonly #dismissed = new Set<string>();
  /** Hosts whose record was lost. */
  readonly #vanished = new Set<string>();

  constructor(seed: number, told: (text: string) => void) {
    super(seed, told);
    const { random } = this;
    this.interval = random.pick([5, 10]);
    this.downTime = random.pick([this.interval * 2.5, 60, this.interval]);
    this.#server = new PretendedServer(this);
    PretendedPool.server = this.#server;
    this.#folder = random.chance(0.3) ? new Folder() : undefined;
    this.observer = new StoredRegistry(this.storeOf('observer'), { log: this.logOf() });
    const where = this.#folder === undefined ? 'PostgreSQL' : 'SQLite';
    this.note(`${where}, interval ${this.interval}, down time ${this.downTime}`);
  }

  /** Returns the store of a process: its connection to the database. */
  storeOf(process: string): ServiceStore {
    const limitMs = Math.min(5000, this.interval * 500);
    return this.#folder === undefined
      ? new PostgresqlStore(`postgresql://${process}/registry`, { statementTimeoutMs: limitMs })
      : new SqliteStore(this.#folder.file(process), { busyTimeoutMs: limitMs, now: () => this.serverMs() });
  }

  /** A down time that is not longer than the interval is corrected. */
  get #downMs(): number {
    return (this.downTime <= this.interval ? Math.floor(this.interval * 2.5) : this.downTime) * 1000;
  }

  /** Longest time from one heartbeat to the next. */
  get #beatMs(): number {
    return this.interval * 1100 + SLACK_MS;
  }

  serverMs(): number {
    return Date.UTC(2026, 0, 1) + Math.round(this.clock.now()) + this.#wallMs;
  }

  latency(): number {
    return this.random.between(0.1, this.random.chance(0.02) ? 200 : 5);
  }

  chance(share: number): boolean {
    return this.random.chance(share);
  }

  clockOf(host: string): Clock {
    return this.members.find(({ name }) => name === host)?.clock ?? this.clock;
  }

  isAlive(pid: number): boolean {
    return this.members.some((member) => member.pid === pid && !['dead', 'stopped', 'failed'].includes(member.state));
  }

  isKilled(member: Member): boolean {
    return member.state === 'dead';
  }

  async run(): Promise<void> {
    try {
      await this.#live();
    } finally {
      this.#folder?.remove();
    }
  }

  async #live(): Promise<void> {
    const { random } = this;
    for (let i = 2 + random.below(3); i > 0; i--) this.#start();
    await this.pass(random.between(0, 3000));
    for (let deeds = 4 + random.below(24); deeds > 0; deeds--) {
      this.#act();
      const until = this.clock.now() + random.between(0, random.pick([100, 3000, 30_000, 90_000]));
      while (this.clock.now() < until) {
        await this.pass(Math.min(until - this.clock.now(), random.between(500, random.pick([3000, 20_000]))));
        await this.#observe();
      }
    }
    await this.#rest();
    await this.#end();
  }

  async pass(ms: number): Promise<void> {
    await this.clock.advance(ms);
    this.check();
  }

  logOf(member?: Member): Logger {
    const write = (...args: readonly unknown[]): void => {
      const message = String(args.at(-1));
      this.note(`${member?.name ?? 'observer'}: ${message}`);
      if (member === undefined) return;
      if (/^Lost connection|^This service serves, and registers/.test(message)) member.lost += 1;
      if (message.startsWith('Recovered')) member.recovered += 1;
      if (message.startsWith('could not write')) member.isUnsigned = true;
      if (member.lost - member.recovered > 1 || member.recovered > member.lost)
        this.broken(`${member.name} reports ${member.lost} outages and ${member.recovered} ends`);
    };
    const methods = Object.fromEntries(['debug', 'info', 'notice', 'warn', 'error'].map((level) => [level, write]));
    const log = { level: 'debug', enabled: () => false, child: () => log, ...methods } as unknown as Logger;
    return log;
  }

  /** Keeps the second book. */
  done(host: string, sql: string, values: readonly unknown[], rows: readonly Row[]): void {
    // A statement on SQLite has the time of its first try; another process may keep it waiting.
    const now = Number(/(?:last_seen_up =|until <=) (\d+)/.exec(sql)?.[1] ?? this.serverMs());
    if (/^(?:WITH first AS \()?UPDATE services SET report_count/.test(sql)) {
      const id = Number(values[0]);
      const member = this.members.find(({ name }) => name === host)!;
      if (['dead', 'stopped'].includes(member.state) && this.clock.now() > member.stoppedAt + this.#beatMs)
        this.broken(`${host} beats after its end`);
      if (rows.length > 0) this.#beats.set(id, { at: now, count: (this.#beats.get(id)?.count ?? 0) + 1 });
    } else if (sql.includes('INTO service_leases')) {
      const [task, owner] = values as [string, string];
      const seconds = /secs => ([\d.]+)/.exec(sql)?.[1];
      const until =
        seconds === undefined ? Number(/VALUES \(\?, \?, (\d+)/.exec(sql)![1]) : now + Number(seconds) * 1000;
      const held = this.#leases.get(task);
      const isFree = held === undefined || held.owner === owner || held.until <= now;
      if (isFree !== rows.length > 0)
        this.broken(`${host} ${rows.length > 0 ? 'gets' : 'does not get'} the lease ${task} of ${held?.owner}`);
      if (isFree) this.#leases.set(task, { owner, until });
      this.#granted.set(`${host} ${task}`, isFree);
    }
  }

  /** A member starts, or runs now: its host has a record again. */
  runs({ host }: Member): void {
    this.#dismissed.delete(host);
  }

  /** The registry says what a member must do. */
  validates({ name, host, state }: Member, reason: string): void {
    if (reason.includes('deleted') && state === 'running' && !this.#removals.has(host))
      this.broken(`${name} drains, although no operator has deleted its record`);
  }

  /** A member has stopped. */
  hasStopped(member: Member, isLate: boolean): void {
    if (isLate) this.broken(`${member.name} took more than a minute to stop`);
    const others = this.members.filter(
      ({ host, state, pid }) => host === member.host && pid !== member.pid && this.isAlive(pid) && state !== 'failed',
    );
    // The record may be of a process that has died, or could not write its end or that its start failed.
    const isOther = this.members.some(
      ({ host, state, isUnsigned }) => host === member.host && (state === 'dead' || state === 'failed' || isUnsigned),
    );
    if (others.length > 0 || isOther) return;
    const [record] = this.#records(member.host);
    if (record !== undefined && record.state !== 'stopped')
      this.broken(`${member.name} was the last of ${member.host}, which is ${String(record.state)}`);
    const rows = this.#server.run(
      'SELECT worker FROM service_workers JOIN services ON service_id = id WHERE service_workers.pid = $1 AND deleted = 0',
      [member.pid],
    );
    if (rows.length > 0) this.broken(`${member.name} has stopped, and has a row`);
  }

  #act(): void {
    const { random } = this;
    const any = (list: readonly Member[], deed: (member: Member) => void): void => {
      if (list.length > 0) deed(random.pick(list));
    };
    const running = this.members.filter(({ state }) => state === 'running');
    const deeds = {
      nothing: () => undefined,
      start: () => this.#start(),
      stop: () =>
        any(
          running.filter(({ clock }) => !clock.isPaused),
          (member) => {
            this.say(`${member.name} stops`);
            this.#follow(member.stop(), member);
          },
        ),
      drain: () =>
        any(
          running.filter(({ clock }) => !clock.isPaused),
          (member) => {
            this.say(`${member.name} drains`);
            this.#follow(member.drain(), member);
          },
        ),
      dies: () =>
        any(running, (member) => {
          this.say(`${member.name} dies`);
          for (const [work, of] of this.#work) if (of === member) this.#work.delete(work);
          member.state = 'dead';
          member.stoppedAt = this.clock.now();
          member.clock.pause();
        }),
      pauses: () =>
        any(running, (member) => {
          const ms = random.between(100, random.pick([5000, 50_000, 150_000]));
          this.say(`${member.name} stands still for ${Math.round(ms)} ms`);
          member.clock.pause();
          this.clock.after(ms, () => {
            if (member.state === 'dead') return;
            member.clock.resume();
            member.wellSince = this.clock.now();
            this.note(`${member.name} goes on`);
          });
        }),
      trouble: () => this.#setTrouble(random.pick(['none', 'none', 'refuses', 'silent', 'full', 'resets'])),
      clock: () => {
        const ms = Math.round(random.between(-1, 1) * random.pick([1000, 30_000, 200_000]));
        this.say(`the server's clock is set by ${ms} ms`);
        this.#wallMs += ms;
        this.#setAt = this.clock.now();
      },
      lease: () => any(running, (member) => this.#lease(member)),
      force: () => {
        const [host, forced] = [random.pick(HOSTS), random.chance(0.5)];
        this.say(`an operator says that ${host} is ${forced ? 'down' : 'up again'}`);
        this.#follow(this.#operate(host, (uuid) => this.observer.update(uuid, { forcedDown: forced })));
      },
      removes: () => {
        const host = random.pick(HOSTS);
        this.say(`an operator deletes the record of ${host}`);
        this.#follow(
          this.#operate(host, async (uuid) => {
            this.#removedAt.set(host, this.clock.now());
            this.#removals.add(host);
            await this.observer.delete(uuid, { force: true });
            // A process may still know the record that was lost, which no operator has deleted.
            if (!this.#vanished.has(host)) this.#dismissed.add(host);
            this.#removedAt.set(host, this.clock.now());
          }),
        );
      },
      vanishes: () => {
        const host = random.pick(HOSTS);
        this.say(`the record of ${host} is lost`);
        this.#vanished.add(host);
        this.#removedAt.set(host, this.clock.now());
        this.#server.run('DELETE FROM service_workers WHERE service_id IN (SELECT id FROM services WHERE host = $1)', [
          host,
        ]);
        this.#server.run('DELETE FROM services WHERE host = $1 AND deleted = 0', [host]);
      },
      purge: () => this.#follow(this.#purge()),
    };
    const weights = { nothing: 3, start: 3, stop: 2, drain: 0.5, dies: 1, pauses: 2, trouble: 3, clock: 1, lease: 5 };
    deeds[random.weighted({ ...weights, force: 0.7, removes: 0.4, vanishes: 0.4, purge: 0.5 })]();
  }

  #start(): void {
    const { random } = this;
    const host = random.pick(HOSTS);
    const used = this.members.filter((member) => member.host === host && this.isAlive(member.pid));
    if (used.length >= 3) return;
    const worker = [0, 1, 2].find((each) => used.every((member) => member.worker !== each))!;
    this.#pids += 1;
    const member = new Member(this, { pid: this.#pids, host, worker });
    this.members.push(member);
    this.runs(member);
    this.say(`${member.name} starts: ${host}/${worker}`);
    this.#follow(member.start(), member);
  }

  #setTrouble(trouble: Trouble): void {
    if (trouble === this.trouble) return;
    this.say(`the database: ${trouble}`);
    if (this.trouble === 'refuses' && this.clock.now() - this.#troubledAt > 3 * this.#beatMs) this.#areLost();
    this.#troubledAt = this.clock.now();
    this.trouble = trouble;
    if (trouble === 'none' || trouble === 'resets') this.#soundSince = this.clock.now();
    else this.#soundSince = Number.POSITIVE_INFINITY;
  }

  /** Members that are well have reported the outage. */
  #areLost(): void {
    for (const { name, state, clock, wellSince, lost, recovered, verdicts } of this.members) {
      const isBusy = state === 'running' && !clock.isPaused && wellSince < this.#troubledAt;
      if (isBusy && verdicts.length === 0 && lost === recovered) this.broken(`${name} does not report an outage`);
    }
  }

  #lease(member: Member): void {
    const [task, seconds] = [this.random.pick(TASKS), this.random.pick([2, 20, 60])];
    this.say(`${member.name} asks for the lease ${task} for ${seconds} s`);
    const asked = member.membership.lease(task, seconds).then(
      (isHeld) => {
        this.note(`${member.name} ${isHeld ? 'has' : 'does not have'} the lease ${task}`);
        if (isHeld && this.#granted.get(`${member.name} ${task}`) !== true)
          this.broken(`${member.name} takes a lease that it was not given`);
      },
      (error: unknown) => this.note(`${member.name}: ${(error as Error).message}`),
    );
    this.#follow(asked, member);
  }

  async #operate(host: string, change: (uuid: string) => Promise<unknown>): Promise<void> {
    const [record] = this.#records(host);
    if (record === undefined) return;
    await change(String(record.uuid)).catch((error: unknown) => this.note(`it fails: ${(error as Error).message}`));
  }

  /** Days later, deleted records and rows of workers are forgotten, and no others. */
  async #purge(): Promise<void> {
    if (this.trouble !== 'none') return;
    const days = this.random.pick([0, 30]);
    this.say(`records deleted ${days} days ago are purged`);
    const before = this.serverMs() - days * DAY_MS;
    const count = (where: string): number =>
      Number(this.#server.run(`SELECT count(*) AS n FROM services WHERE ${where}`)[0]!.n);
    const [kept, old] = [
      count(`deleted = 0 OR deleted_at > ${before}`),
      count(`deleted <> 0 AND deleted_at <= ${before}`),
    ];
    // A record that a purge removes looks as if it was lost.
    if (days === 0) this.#dismissed.clear();
    const purged = await this.observer.purge(days).catch(() => undefined);
    if (purged === undefined || this.trouble !== 'none') return;
    if (purged < old) this.broken(`${purged} of ${old} old records are purged`);
    if (count('1 = 1') < kept) this.broken('a purge has removed present records');
  }

  /** Compares results of readers with the second book. */
  async #observe(): Promise<void> {
    const isSound = this.trouble === 'none';
    const asked = this.observer.list().catch((error: unknown) => error as Error);
    let views: Awaited<typeof asked> | undefined;
    void asked.then((found) => {
      views = found;
    });
    for (let i = 0; views === undefined && i < 20; i++) await this.pass(500);
    if (views === undefined) throw new Error('a list never settles');
    if (views instanceof Error) {
      if (!(views instanceof RegistryUnavailable)) throw views;
      if (isSound && this.trouble === 'none')
        this.broken(`the registry is sound, and a reader fails: ${views.message}`);
      return;
    }
    for (const host of HOSTS) {
      const records = this.#records(host);
      if (records.length > 1) this.broken(`${host} has ${records.length} records`);
      const [record] = records;
      const view = views.find((each) => each.record.host === host);
      if (record !== undefined && view !== undefined && view.record.id === Number(record.id))
        this.#validate(host, record, view);
      this.#isThereAgain(host, record);
    }
  }

  #validate(host: string, record: Row, view: Awaited<ReturnType<StoredRegistry['list']>>[number]): void {
    const book = this.#beats.get(view.record.id);
    const seen = book?.at ?? Number(record.created_at);
    if (Number(record.report_count) !== (book?.count ?? 0))
      this.broken(`${host} has ${String(record.report_count)} heartbeats, and has sent ${book?.count ?? 0}`);
    const ageMs = this.serverMs() - seen;
    const isForced = record.forced_down === 1 || record.state === 'stopped';
    // A change between the reader's result and this look does not count.
    const isPlain =
      Math.abs(Math.abs(ageMs) - this.#downMs) > SLACK_MS &&
      view.record.state === record.state &&
      view.record.forcedDown === (record.forced_down === 1) &&
      view.record.reportCount === Number(record.report_count) &&
      this.clock.now() - this.#setAt > SLACK_MS;
    const expected = !isForced && Math.abs(ageMs) <= this.#downMs ? 'up' : 'down';
    if (isPlain && view.state !== expected) this.broken(`${host} is shown as ${view.state}, and is ${expected}`);
    const well = this.members.filter((member) => member.host === host && this.#isWell(member));
    if (well.length === 0 || record.forced_down === 1) return;
    if (ageMs > this.#beatMs || ageMs < -SLACK_MS)
      this.broken(`${well[0]!.name} is well, and its last heartbeat is ${ageMs} ms old`);
    if (isPlain && view.state !== 'up') this.broken(`${well[0]!.name} is well, and ${host} is down`);
    for (const { pid, name } of well) {
      const row = view.workers.find((worker) => worker.pid === pid);
      if (row === undefined || (!row.up && isPlain))
        this.broken(`${name} is well, and its row is ${row === undefined ? 'missing' : 'down'}`);
    }
  }

  /** A record that was lost is made again; one that an operator has deleted is not. */
  #isThereAgain(host: string, record: Row | undefined): void {
    const removedAt = this.#removedAt.get(host) ?? Number.NEGATIVE_INFINITY;
    const members = this.members.filter(
      (member) => member.host === host && member.state === 'running' && this.#isWell(member),
    );
    if (this.clock.now() - removedAt < 2 * this.#beatMs || members.length === 0) return;
    if (this.#dismissed.has(host)) {
      const isTold = members.every(({ verdicts }) => verdicts.some((reason) => reason.includes('deleted')));
      if (record !== undefined) this.broken(`${host} was deleted, and has a record again`);
      else if (!isTold) this.broken(`${host} was deleted, and goes on`);
    } else if (record === undefined && members.every(({ verdicts }) => verdicts.length === 0))
      this.broken(`${host} runs, and has no record`);
  }

  /** Nothing has kept it from its heartbeats for long enough. */
  #isWell({ state, clock, wellSince, host, verdicts }: Member): boolean {
    const since = Math.max(wellSince, this.#soundSince, this.#setAt, this.#removedAt.get(host) ?? 0);
    if (state !== 'running' || clock.isPaused || verdicts.some((reason) => reason.includes('deleted'))) return false;
    // A statement in progress ends first, with its tries, and a pause.
    return this.clock.now() - since > 3 * this.#beatMs;
  }

  #records(host: string): Row[] {
    return this.#server.run('SELECT * FROM services WHERE host = $1 AND deleted = 0', [host]);
  }

  #follow(work: Promise<unknown>, member?: Member): void {
    this.#work.set(work, member);
    work
      .finally(() => this.#work.delete(work))
      .catch((error: unknown) => this.broken(`it fails: ${(error as Error).message}`));
  }

  /** Everything is well again, and must be seen so. */
  async #rest(): Promise<void> {
    this.say('calm');
    this.#setTrouble('none');
    for (const member of this.members) {
      if (member.state !== 'dead' && member.clock.isPaused) {
        member.clock.resume();
        member.wellSince = this.clock.now();
      }
    }
    const until = this.clock.now() + 4 * this.#beatMs + this.#downMs;
    while (this.clock.now() < until) {
      await this.pass(5000);
      await this.#observe();
    }
    const lost = this.members.find(({ state, lost: times, recovered }) => state === 'running' && times !== recovered);
    if (lost !== undefined && lost.verdicts.length === 0) this.broken(`${lost.name} has not recovered`);
  }

  async #end(): Promise<void> {
    this.say('the end');
    for (const member of this.members) if (member.isThere) this.#follow(member.stop(), member);
    await this.pass(120_000);
    if (this.#work.size > 0) this.broken(`${this.#work.size} requests never settle`);
    const unsigned = this.members.filter(
      ({ isUnsigned, state }) => isUnsigned || state === 'dead' || state === 'failed',
    );
    for (const host of HOSTS) {
      const [record] = this.#records(host);
      const isClear = unsigned.every((member) => member.host !== host);
      if (record !== undefined && isClear && record.state !== 'stopped')
        this.broken(`${host} has stopped, and is ${String(record.state)}`);
    }
    this.check();
  }
}
