/** Rounds of requests through a network that cuts, doubles and delays: after each, the processes hold what they held before. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { request } from './deeds.js';
import { Errand } from './errand.js';
import { Simulation as Calls } from './simulation.js';

const ROUNDS = 14;
/** Rounds after which everything is loaded and compiled. */
const FIRST = 9;
const REQUESTS = 600;
const KINDS = ['call', 'call', 'call', 'cast', 'fanout', 'notice'] as const;
/** Compiled code takes some; the entry of a map takes more. */
const BYTES = 100;
/** Time after which nothing of a request is remembered. */
const FORGOTTEN_MS = 700_000;

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

export class Simulation extends Calls {
  override async run(): Promise<void> {
    for (const kind of ['server', 'server', 'client', 'listener'] as const) this.startPeer(kind);
    await this.pass(5000);
    const held: number[] = [];
    // The first simulation of a thread, whose seed is 0, only loads modules.
    const rounds = this.seed === 0 ? 1 : ROUNDS;
    for (let round = 0; round < rounds; round++) {
      await this.#round();
      this.#forget();
      gc();
      held.push(process.memoryUsage().heapUsed);
    }
    const grown = (held.at(-1)! - held[FIRST]!) / (REQUESTS * (ROUNDS - 1 - FIRST));
    if (rounds === ROUNDS && grown > BYTES) this.broken(`a request leaves ${Math.round(grown)} bytes behind`);
    for (const peer of this.peers) if (peer.isRunning) this.stop(peer, { graceful: false });
    await this.pass(60_000);
    this.check();
  }

  async #round(): Promise<void> {
    const { random } = this;
    this.weather = 'slow';
    for (let sent = 0; sent < REQUESTS; sent++) {
      request(this, this.clients[0]!, random.pick(KINDS), true);
      if (random.chance(0.1)) this.doubles = 2;
      const connections = this.peers.flatMap((peer) => [...peer.connections]);
      if (random.chance(0.02) && connections.length > 0) random.pick(connections).lose(false);
      await this.pass(random.between(0, 100));
    }
    this.weather = 'calm';
    this.doubles = 0;
    await this.pass(FORGOTTEN_MS);
    const open = this.errands.find(({ settledAt }) => settledAt === undefined);
    if (open !== undefined) this.broken(`${open.name} never settles`);
    this.check();
  }

  /** Empties the books of the simulation itself. */
  #forget(): void {
    const over = new Errand({
      n: 0,
      kind: 'cast',
      method: 'once',
      to: '',
      from: '',
      fate: { ms: 0, how: 'ok', times: 0 },
      at: 0,
      until: 0,
    });
    over.settledAt = 0;
    this.errands.fill(over);
    this.steps.length = 0;
    for (const { acknowledged, arrived } of this.peers) {
      acknowledged.clear();
      arrived.clear();
    }
    for (const { name, ready } of this.broker.queues.values()) if (name.endsWith('.dead')) ready.length = 0;
  }
}
