/**
 * A simulation of remote calls: services, clients, listeners and their transports are real; the broker, the network and the
 * time are pretended. Random requests and mishaps follow one another; `ledger.ts` says what must hold.
 */
import type { Logger } from 'portico';
import type { Envelope } from 'rabbitmq-client';
import { RequestContext } from '../../../dist/app/index.js';
import { Config } from '../../../dist/config/index.js';
import { DeadLetters } from '../../../dist/extras/rpc/client/dead-letters.js';
import { World } from '../../simulation/world.js';
import { act, request } from './deeds.js';
import type { Errand } from './errand.js';
import { Ledger } from './ledger.js';
import { Client, Listener, type Peer, Server } from './peers.js';
import { type BrokerWorld, PretendedBroker, type Stored } from './pretended-broker.js';
import { type Network, type NetworkPeer, PretendedConnection } from './pretended-connection.js';
import './pretended-package.js';

/** Time in which everything settles once nothing happens any more. */
const REST_MS = 2_100_000;

/** Time for which a service sends nothing to a caller that it could not reach. */
const GONE_MS = 60_000;

const WALL_MS = Date.UTC(2026, 0, 1);

export class Simulation extends World implements Network, BrokerWorld {
  readonly broker = new PretendedBroker(this);
  readonly peers: Peer[] = [];
  readonly errands: Errand[] = [];
  readonly ledger = new Ledger(this);
  readonly heartbeatMs = 10_000;
  readonly shutdownMs: number;
  readonly longestMs = 60_000;
  /** Every second seed has the topology of oslo.messaging, every fourth with classic queues, which do not count deliveries. */
  readonly scheme: 'amqp' | 'oslo+rabbit';
  readonly counts: boolean;
  readonly config: Config;
  weather: 'calm' | 'slow' | 'rough' = 'calm';
  isDown = false;
  isAlarmed = false;
  /** Number of the next messages that the broker refuses. */
  refusals = 0;
  /** Number of the next messages that the network doubles. */
  doubles = 0;
  /** Difference of the wall clock. */
  wallMs = 0;
  #names = 0;
  readonly #stops: Promise<void>[] = [];
  /** Processes in which an operator works, once for each. */
  readonly #operators: Client[] = [];

  constructor(seed: number, told: (text: string) => void) {
    super(seed, told);
    const { random } = this;
    PretendedConnection.network = this;
    Math.random = () => random.next();
    Date.now = () => WALL_MS + this.wallMs + Math.round(this.clock.now());
    this.shutdownMs = random.pick([1000, 5000, 15_000]);
    this.scheme = seed % 2 === 0 ? 'oslo+rabbit' : 'amqp';
    this.counts = seed % 4 !== 0;
    const pool = 1 + random.below(4);
    const limit = 2 + random.below(4);
    const ini = `[DEFAULT]
manager_shutdown_timeout = ${this.shutdownMs / 1000}
[rpc]
executor_pool_size = ${pool}
delivery_limit = ${limit}
heartbeat = ${this.heartbeatMs / 1000}
[oslo_messaging_rabbit]
rabbit_quorum_queue = ${this.counts}
rabbit_quorum_delivery_limit = ${limit}
`;
    this.config = Config.fromText(ini);
    this.note(ini.replaceAll('\n', ' '));
  }

  get clients(): Client[] {
    return this.peers.filter((peer): peer is Client => peer instanceof Client && peer.isRunning);
  }

  /** Time that endless methods take. */
  get endlessMs(): number {
    return 90_000;
  }

  context(): RequestContext {
    return new RequestContext({ userId: 'me' });
  }

  shown(queue: string): string {
    return queue.replace(/[\da-f]{8}-[\da-f-]{27}|[\da-f]{32}/, (id) => id.slice(-4));
  }

  async run(): Promise<void> {
    const { random } = this;
    for (const kind of ['server', 'client', 'listener', 'server'] as const) this.startPeer(kind);
    await this.pass(random.between(0, 2000));
    const deeds = 4 + random.below(36);
    for (let i = 0; i < deeds; i++) {
      act(this);
      await this.pass(random.between(0, random.pick([1, 50, 1000, 8000])));
    }
    await this.#rest();
    await this.#end();
  }

  async pass(ms: number): Promise<void> {
    await this.clock.advance(ms);
    this.check();
  }

  /** Returns false if the signal ends it. */
  sleep(ms: number, signal?: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      if (signal?.aborted === true) return resolve(false);
      this.clock.after(ms, () => resolve(true));
      signal?.addEventListener('abort', () => resolve(false), { once: true });
    });
  }

  /** Follows an errand until it settles. */
  follow(client: Client, errand: Errand, sent: Promise<unknown>): void {
    const over = (outcome: string): void => {
      if (client.isDead) {
        errand.outcome = 'dead';
        errand.settledAt = this.clock.now();
        return;
      }
      errand.outcome = outcome;
      errand.settledAt = this.clock.now();
      this.note(`${client.name}: ${errand.name} settles: ${outcome}`);
      this.ledger.settled(errand, client.state !== 'running');
    };
    sent.then(
      (result) => {
        errand.result = result;
        over(errand.outcome ?? 'ok');
      },
      (error: Error & { readonly code?: string }) => {
        errand.error = error;
        over(error.code ?? (/changed its mind/.test(error.message) ? 'aborted' : `failed: ${error.message}`));
      },
    );
  }

  startPeer(kind: 'server' | 'client' | 'listener'): void {
    this.#names += 1;
    const name = `${kind[0]}${this.#names}`;
    this.say(`${name} starts`);
    if (kind === 'client') this.peers.push(new Client(this, name));
    else if (kind === 'listener') this.peers.push(new Listener(this, name));
    else this.peers.push(new Server(this, name, this.random.pick(['north', 'south'])));
  }

  stop(peer: Peer, how: { readonly graceful: boolean; readonly deadlineMs?: number }): void {
    this.#stops.push(peer.stop(how));
  }

  crash(peer: Peer): void {
    this.ledger.died(peer);
    peer.crash();
  }

  restartBroker(ms: number): void {
    this.say(`the broker restarts, and is away for ${Math.round(ms)} ms`);
    this.isDown = true;
    for (const peer of this.peers) for (const connection of peer.connections) connection.lose(false);
    this.clock.after(ms, () => {
      this.isDown = false;
    });
  }

  alarm(isOn: boolean): void {
    if (isOn === this.isAlarmed) return;
    this.say(isOn ? 'the broker accepts no messages' : 'the broker accepts messages again');
    this.isAlarmed = isOn;
    if (isOn) return;
    for (const peer of this.peers) for (const connection of peer.connections) connection.unblock();
  }

  /** An operator reads or replays dead letters. */
  operate(what: 'list' | 'replay'): void {
    const client = this.clients[0];
    if (client === undefined) return;
    this.say(`${client.name}: ${what}s dead letters`);
    this.#operators.push(client);
    const letters = new DeadLetters(client.rpc);
    const work = what === 'list' ? letters.list() : letters.replay({});
    work
      .catch((error: unknown) => this.note(`${what} fails: ${(error as Error).message}`))
      .finally(() => void this.#operators.splice(this.#operators.indexOf(client), 1));
  }

  peer(host: string): NetworkPeer {
    const [name = ''] = host.split('.');
    return this.peers.find((each) => each.name === name) ?? this.#missing(name);
  }

  latency(): number {
    const { random } = this;
    if (this.weather === 'calm') return random.between(0.1, 2);
    return random.between(0.1, random.chance(0.1) ? (this.weather === 'slow' ? 3000 : 800) : 20);
  }

  confirmMs(): number {
    return this.latency();
  }

  chance(share: number): boolean {
    return this.random.chance(share);
  }

  refuses(): boolean {
    if (this.refusals === 0) return false;
    this.refusals -= 1;
    return true;
  }

  place(count: number): number {
    return this.weather === 'rough' && this.random.chance(0.3) ? this.random.below(count) : 0;
  }

  pick<T>(list: readonly T[]): T {
    return this.random.pick(list);
  }

  arrived({ exchange = '', routingKey = '', messageId = '' }: Envelope, body: Buffer): number {
    const errand = this.errandOf(body);
    if (errand === undefined) return 1;
    this.note(`the broker has ${errand.name} for ${this.shown(`${exchange}/${routingKey}`)}`);
    // The broker may have had the first, whose confirmation was lost. Services of oslo.messaging send again, and so does Portico there.
    if (errand.method === 'once' && errand.ids.has(messageId) && exchange !== '' && errand.deaths === 0) {
      if (this.scheme === 'amqp') this.broken(`${errand.name} is sent again`);
      errand.copies += 1;
    }
    errand.ids.add(messageId);
    if (exchange.endsWith('.dlx')) {
      errand.deaths += 1;
      return 1;
    }
    if (errand.deaths > 0) errand.replays += 1;
    if (this.weather === 'rough' && this.random.chance(0.02)) {
      this.note(`the broker loses ${errand.name}`);
      errand.discards.push('lost');
      return 0;
    }
    if (this.doubles === 0) return 1;
    this.doubles -= 1;
    this.note(`the broker doubles ${errand.name}`);
    errand.copies += 1;
    return 2;
  }

  unheard(id: string): void {
    const errand = this.errands.find(({ ids }) => ids.has(id));
    if (errand !== undefined) errand.lostAcks += 1;
  }

  unrouted({ exchange }: Envelope, body: Buffer): void {
    // A server publishes to a queue directly when a method runs again; it keeps the message until the broker has it.
    if (exchange !== '') this.errandOf(body)?.discards.push('no queue');
  }

  returned({ body, properties }: Stored, peer: NetworkPeer): void {
    const errand = this.errandOf(body);
    if (errand !== undefined) this.ledger.returned(errand, properties.messageId ?? '', peer);
  }

  died({ body }: Stored): void {
    const errand = this.errandOf(body);
    if (errand === undefined) return;
    this.note(`${errand.name} becomes a dead letter`);
    errand.deaths += 1;
  }

  discarded(message: Stored, why: string, queue: string): void {
    const errand = this.errandOf(message.body);
    this.note(`${this.shown(queue)} discards ${errand?.name ?? 'a message'}: ${why}`);
    errand?.discards.push(why);
  }

  /** Returns the errand of a message; undefined for replies and cancellations. */
  errandOf(body: Buffer): Errand | undefined {
    const found = /(?:args|payload)\\*": ?\{\\*"n\\*": ?(\d+)/.exec(body.toString());
    return found === null ? undefined : this.errands[Number(found[1])];
  }

  logOf(peer: Peer): Logger {
    const write =
      (level: string) =>
      (...args: readonly unknown[]) => {
        const message = String(args.at(-1));
        const { err } = Object(args[0]) as { err?: unknown };
        if (peer instanceof Client && message.includes('was not sent to')) peer.unsent += 1;
        const [, dropped] = /message (\S+) was dropped/.exec(message) ?? [];
        if (dropped !== undefined) this.errands.find(({ ids }) => ids.has(dropped))?.drops.push(peer.name);
        this.note(`${peer.name} ${level}: ${message}${err instanceof Error ? `: ${err.message}` : ''}`);
      };
    const methods = Object.fromEntries(
      ['debug', 'info', 'notice', 'warn', 'error'].map((level) => [level, write(level)]),
    );
    const log = { level: 'debug', enabled: () => false, child: () => log, ...methods } as unknown as Logger;
    return log;
  }

  #missing(name: string): never {
    throw new Error(`there is no process ${name}`);
  }

  /** Nothing happens any more, and everything must settle; then each service must respond. */
  async #rest(): Promise<void> {
    this.say('calm');
    this.weather = 'calm';
    this.refusals = 0;
    this.doubles = 0;
    this.alarm(false);
    for (const peer of this.peers) peer.away = 0;
    for (const host of ['north', 'south']) this.peers.push(new Server(this, `last-${host}`, host));
    if (this.clients.length === 0) this.startPeer('client');
    this.startPeer('listener');
    await this.#settled();
    await this.pass(GONE_MS);
    const [client] = this.clients;
    for (const kind of ['call', 'call', 'call', 'cast', 'fanout', 'notice'] as const) {
      const last = request(this, client!, kind, true);
      await this.#settled();
      if (last.outcome !== 'ok') this.broken(`in calm weather ${last.name} settles: ${last.outcome}`);
    }
    this.ledger.rest();
    this.check();
  }

  async #settled(): Promise<void> {
    const until = this.clock.now() + REST_MS;
    let why: string | undefined = 'not yet';
    while (why !== undefined) {
      await this.pass(1000);
      why = this.#unrest();
      if (this.clock.now() > until && why !== undefined) throw new Error(`nothing comes to rest: ${why}`);
    }
  }

  #unrest(): string | undefined {
    const open = this.errands.find(({ settledAt }) => settledAt === undefined);
    if (open !== undefined) return `${open.name} has not settled`;
    const busy = this.errands.find(({ runs }) =>
      runs.some(
        ({ process, endedAt }) =>
          endedAt === undefined && this.peers.some(({ name, isDead }) => name === process && !isDead),
      ),
    );
    if (busy !== undefined) return `${busy.name} runs`;
    // The queues of a dead process expire.
    const full = [...this.broker.queues.values()].find(
      ({ name, ready }) => ready.length > 0 && !name.endsWith('.dead'),
    );
    if (full !== undefined) return `${this.shown(full.name)} has ${full.ready.length} messages`;
    const silent = this.peers.find(({ connections }) => [...connections].some(({ isStalled }) => isStalled));
    if (silent !== undefined) return `a connection of ${silent.name} is silent`;
    const held = this.peers.flatMap(({ connections }) => [...connections]).flatMap(({ served }) => [...served]);
    const unsettled = held.find((channel) => channel.unsettled > 0);
    if (unsettled !== undefined) return `a message is not settled`;
    const odd = this.peers.find(({ state }) => state === 'starting' || state === 'stopping');
    if (odd !== undefined) return `${odd.name} is ${odd.state}`;
    return this.#operators.some(({ isDead }) => !isDead) ? 'an operator works' : undefined;
  }

  /** Everything stops. */
  async #end(): Promise<void> {
    this.say('the end');
    for (const peer of this.peers) if (peer.isRunning) this.stop(peer, { graceful: true });
    await this.pass(this.shutdownMs + 30_000);
    await Promise.all(this.#stops);
    for (const { name, consumers } of this.broker.queues.values())
      if (consumers.size > 0) this.broken(`${this.shown(name)} has a consumer left`);
    this.check();
  }
}
