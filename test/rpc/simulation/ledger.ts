/** Promises about calls, casts, fanouts and notifications, at each moment and at the end. */
import type { RequestContext } from '../../../dist/app/index.js';
import type { Errand, Run } from './errand.js';
import { Client, type Listener, type Peer, Server } from './peers.js';
import type { NetworkPeer } from './pretended-connection.js';
import type { Simulation } from './simulation.js';

/** Time from the end of a limit to its effect. */
const SLACK_MS = 30;
/** A publish waits at least this long for the broker. */
const LEAST_PUBLISH_MS = 1000;

export class Ledger {
  readonly #sim: Simulation;

  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  /** A method begins. */
  begins(server: Server, errand: Errand, run: Run, context: RequestContext, method: Errand['method']): void {
    const { clock } = this.#sim;
    const { id } = context.delivery!;
    this.#sim.note(`${server.name}: ${errand.name} begins`);
    if (method !== errand.method) this.#broken(errand, `runs as ${method}`);
    if (server.state === 'stopped') this.#broken(errand, `begins in ${server.name}, which has stopped`);
    if (clock.now() > server.stopAskedAt + SLACK_MS)
      this.#broken(errand, `begins in ${server.name}, which has been told to stop`);
    if (method === 'once') {
      if (!server.acknowledged.has(id)) this.#broken(errand, `begins before it is acknowledged`);
      if (errand.runsOf(server.name).length > 0) this.#broken(errand, `begins twice in ${server.name}`);
    } else if (errand.runsOf(server.name).some(({ endedAt, at }) => endedAt === undefined && at < run.at)) {
      // One that the end of its time has interrupted may go on.
      if (server.state === 'running') this.#broken(errand, `runs twice at a time in ${server.name}`);
    }
    const late = clock.now() - this.#deadline(server, errand, id);
    if (late > SLACK_MS) this.#broken(errand, `begins ${late} ms after its caller has stopped waiting`);
  }

  /** A method ends by itself, or by its signal. */
  ends(server: Server, errand: Errand, run: Run, { delivery, signal }: RequestContext): void {
    const due = this.#deadline(server, errand, delivery!.id);
    if (this.#sim.clock.now() - due > SLACK_MS && run.at < due && signal?.aborted !== true)
      this.#broken(errand, `is not told by ${server.name} that its caller has stopped waiting`);
  }

  /** The latest time at which a process knows that the caller has stopped waiting: all clocks may differ. */
  #deadline(server: Server, { kind, at, until, replays }: Errand, id: string): number {
    // A replay is a cast.
    if (kind !== 'call' || replays > 0) return Number.POSITIVE_INFINITY;
    return (server.arrived.get(id) ?? 0) + until - at;
  }

  hears(listener: Listener, errand: Errand): void {
    this.#sim.note(`${listener.name}: ${errand.name} begins`);
    if (listener.state === 'stopped') this.#broken(errand, `begins in ${listener.name}, which has stopped`);
    const runs = errand.runsOf(listener.name);
    if (runs.some(({ endedAt }) => endedAt === undefined)) this.#broken(errand, `is heard twice at a time`);
    if (runs.some(({ outcome }) => outcome === 'ok')) this.#broken(errand, `is heard again in ${listener.name}`);
  }

  /** A call or cast has settled. */
  settled(errand: Errand, isClosing: boolean): void {
    const { at, until, kind, outcome, monitorMs, abortedAt } = errand;
    const { clock } = this.#sim;
    const now = clock.now();
    if (now > until + SLACK_MS + (kind === 'call' ? 0 : LEAST_PUBLISH_MS))
      this.#broken(errand, `settles ${now - until} ms late`);
    if (outcome === 'ok' && kind === 'call') {
      const { n } = errand.result as { readonly n: number };
      if (n !== errand.n) this.#broken(errand, `has the result of ${n}`);
      if (!errand.hasSucceeded) this.#broken(errand, `has a result without a run`);
    }
    if (outcome === 'aborted' && abortedAt === undefined) this.#broken(errand, `is aborted by nothing`);
    if (outcome !== 'PORTICO_RPC_TIMEOUT' || isClosing) return;
    const { monitor = false, remote = false } = errand.error as { monitor?: boolean; remote?: boolean };
    if (remote) return;
    const least = monitor ? Math.min(monitorMs ?? 0, until - at) : until - at;
    if (now - at < least - SLACK_MS) this.#broken(errand, `times out after ${now - at} ms`);
  }

  /** A message is returned, because a connection was lost. */
  returned(errand: Errand, id: string, peer: NetworkPeer): void {
    if (peer.acknowledged.has(id)) errand.lostAcks += 1;
  }

  /** A process dies. */
  died({ acknowledged, name }: Peer): void {
    for (const errand of this.#sim.errands) {
      const isHad = [...errand.ids].some((id) => acknowledged.has(id));
      if (isHad && errand.runsOf(name).length === 0) errand.isLostWithProcess = true;
    }
  }

  /** Nothing moves any more. */
  rest(): void {
    for (const errand of this.#sim.errands) {
      if (errand.settledAt === undefined) this.#broken(errand, `never settles`);
      this.#isSafeToRepeat(errand);
      if (errand.kind === 'fanout') this.#reaches(errand);
      else this.#runsEnough(errand);
    }
    for (const peer of this.#sim.peers) if (peer instanceof Client) this.#isReported(peer);
  }

  /** A notification that the broker has not got is reported. */
  #isReported(client: Client): void {
    const { errands } = this.#sim;
    const unsent = errands.filter(
      ({ kind, from, ids, outcome }) => kind === 'notice' && from === client.name && ids.size === 0 && outcome === 'ok',
    );
    if (unsent.length > client.unsent)
      this.#sim.broken(
        `${client.name} has reported ${client.unsent} of ${unsent.length} notifications that were not sent`,
      );
  }

  /** The errors after which a caller may call again say that nothing has run. */
  #isSafeToRepeat(errand: Errand): void {
    const { outcome, runs, error } = errand;
    const isSafe =
      outcome === 'PORTICO_RPC_DELIVERY_FAILURE' ||
      outcome === 'PORTICO_RPC_NO_SERVERS' ||
      (outcome === 'PORTICO_RPC_SHUTTING_DOWN' && (error as { started?: boolean }).started === false);
    if (isSafe && runs.length > 0) this.#broken(errand, `failed with ${outcome}, and has run`);
  }

  #reaches(errand: Errand): void {
    for (const server of this.#sim.peers) {
      if (!(server instanceof Server)) continue;
      const runs = errand.runsOf(server.name).length;
      const isThere = server.startedAt < errand.at && server.isRunning;
      const isDropped = errand.discards.length > 0 || errand.drops.includes(server.name);
      if (errand.outcome === 'ok' && isThere && !isDropped && runs === 0)
        this.#broken(errand, `does not reach ${server.name}`);
    }
  }

  /** At most once, and at least once. */
  #runsEnough(errand: Errand): void {
    const { kind, method, to, outcome, ids, runs, copies, deaths, replays, discards, isLostWithProcess } = errand;
    const lost = errand.lostAcks + copies + replays;
    if (method === 'once' && runs.length > 1 + lost) this.#broken(errand, `runs ${runs.length} times`);
    // A cast to a host needs its queue.
    if (
      kind === 'cast' &&
      to !== 'any' &&
      outcome === 'ok' &&
      discards.includes('no queue') &&
      !discards.includes('lost') &&
      ids.size === 1 &&
      replays + copies === 0
    )
      this.#broken(errand, 'was accepted, and had no queue');
    if (kind === 'call' || outcome !== 'ok' || (kind === 'notice' && ids.size === 0)) return;
    const isExcused = deaths > 0 || discards.length > 0;
    if (method === 'once') {
      if (runs.length === 0 && !isExcused && !isLostWithProcess) this.#broken(errand, `was accepted, and never runs`);
    } else if (!errand.hasSucceeded && !isExcused) this.#broken(errand, `was accepted, and never succeeds`);
  }

  #broken(errand: Errand, what: string): void {
    this.#sim.broken(`${errand.name} ${what}`);
  }
}
