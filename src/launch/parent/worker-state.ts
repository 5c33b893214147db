/**
 * The states of a worker process, as its parent sees them. The table is data, and `WorkerHandle` alone moves along it.
 *
 * | State | | built | serve | ready | tell | kill | exit |
 * | --- | --- | --- | --- | --- | --- | --- | --- |
 * | `starting` | loads, builds and starts its service | `waiting` | | `serving` | `leaving` | `killed` | `died` |
 * | `waiting` | is built, and waits until all first workers of a reload are | | `starting` | `serving` | `leaving` | `killed` | `died` |
 * | `serving` | accepts connections | | | | `leaving` | `killed` | `died` |
 * | `killed` | got SIGKILL while it held its slot, which is empty when it has exited | | | | `leaving` | | `died` |
 * | `leaving` | was asked to end: its slot is free for another worker | | | | | | `ended` |
 * | `died` | has exited, and was not asked to end | | | | | | |
 * | `ended` | has exited as asked, or because it was killed while it left | | | | | | |
 *
 * Events: `built` and `ready` are messages of the worker, `built` only of one that waits; `serve`, `tell` (to drain or to end) and `kill` come
 * from its parent, `exit` from the system. An event without an entry changes nothing: a worker may say `ready` when it was already asked to end.
 */
export type WorkerState = keyof typeof NEXT;

export type WorkerEvent = 'built' | 'serve' | 'ready' | 'tell' | 'kill' | 'exit';

type Row = Partial<Record<WorkerEvent, string>>;

const NEXT = {
  starting: { built: 'waiting', ready: 'serving', tell: 'leaving', kill: 'killed', exit: 'died' },
  waiting: { serve: 'starting', ready: 'serving', tell: 'leaving', kill: 'killed', exit: 'died' },
  serving: { tell: 'leaving', kill: 'killed', exit: 'died' },
  killed: { tell: 'leaving', exit: 'died' },
  leaving: { exit: 'ended' },
  died: {},
  ended: {},
} satisfies Record<string, Row>;

/** Returns the state after an event. */
export function after(state: WorkerState, event: WorkerEvent): WorkerState {
  const row: Row = NEXT[state];
  return (row[event] as WorkerState | undefined) ?? state;
}

/** States in which a worker holds its slot, because it was not asked to end. */
const HOLDING: ReadonlySet<WorkerState> = new Set(['starting', 'waiting', 'serving', 'killed', 'died']);

/** Reports whether a worker in this state holds its slot, so that no other may be started for it. */
export function holdsSlot(state: WorkerState): boolean {
  return HOLDING.has(state);
}

/** Reports whether a worker in this state starts: no request can have reached it. */
export function isStarting(state: WorkerState): boolean {
  return state === 'starting' || state === 'waiting';
}
