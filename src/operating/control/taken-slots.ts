/** Workers whose slots are all taken while requests wait: clients get nothing, although every process is alive. */
import { countText } from '../../text/index.js';
import type { WorkerStatus } from '../status.js';

/** A request of a heartbeat. `state`: `alone` if its client has left. */
interface Told {
  readonly method: string;
  readonly path: string;
  readonly slot?: string;
  readonly state?: string;
  readonly stateMs?: number;
}

/** Time for which a handler may hold a slot while others wait: a short queue is normal under load. */
const LONG_MS = 5000;

/** Returns a sentence if handlers have held slots for long while requests wait for one. */
export function takenSlots(workers: readonly Pick<WorkerStatus, 'state' | 'facts' | 'silentMs'>[]): string[] {
  const serving = workers.filter(({ state }) => state === 'ready');
  const full = serving.flatMap(({ facts, silentMs }) => {
    const queued = Number(facts.queued ?? 0);
    const oldest = ((facts.requests ?? []) as readonly Told[])
      .filter(({ slot }) => slot === 'application')
      .map((request) => ({ ...request, queued, heldMs: (request.stateMs ?? 0) + silentMs }))
      .sort((a, b) => b.heldMs - a.heldMs)[0];
    return queued > 0 && oldest !== undefined && oldest.heldMs > LONG_MS ? [oldest] : [];
  });
  const [longest] = full.toSorted((a, b) => b.heldMs - a.heldMs);
  if (longest === undefined) return [];
  const { method, path, heldMs, state } = longest;
  const waiting = full.reduce((sum, { queued }) => sum + queued, 0);
  const wait = `${countText(waiting, 'request')} ${waiting === 1 ? 'waits' : 'wait'}`;
  const held = `the longest is held by ${method} ${path} for ${(heldMs / 1000).toFixed(1)} s`;
  const left = state === 'alone' ? ', whose client has left' : '';
  return [
    `all slots of ${full.length} of ${countText(serving.length, 'worker')} are taken, and ${wait}: ${held}${left}`,
  ];
}
