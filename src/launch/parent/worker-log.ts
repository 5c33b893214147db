/**
 * The lines a log has for one worker: a start that takes long, what it sends and should not, its end.
 */
import type { Logger } from '../../log/index.js';
import type { WorkerExit } from '../exit-status.js';
import type { WorkerHandle, WorkerListener } from './worker-handle.js';

/** After so long a start is worth a line, again when it has taken twice as long, and from then on once a minute at least. */
const FIRST_MS = 10_000;
const LONGEST_MS = 60_000;

/** Warns until the function it gives is called; each time with what is being loaded, or what it is stuck in, if known. */
export function watchStart(worker: WorkerHandle, log: Logger): () => void {
  const { service, index } = worker.assignment;
  let elapsedMs = 0;
  let timer: NodeJS.Timeout;
  const wait = (ms: number): void => {
    timer = setTimeout(() => {
      elapsedMs += ms;
      const { stack } = worker;
      const loading = typeof worker.facts.loading === 'string' ? worker.facts.loading : undefined;
      const what = loading === undefined ? '' : `, loading ${loading}`;
      const stuck = stack === undefined ? '' : `; it is stuck ${stack[0] ?? ''}`;
      const facts = { event: 'worker_starting', service, workerId: index, pid: worker.pid, loading, stack };
      log.warn(`${service}: worker ${index} is still starting after ${elapsedMs / 1000} s${what}${stuck}`, facts);
      wait(Math.min(elapsedMs, LONGEST_MS));
    }, ms).unref();
  };
  wait(FIRST_MS);
  return () => clearTimeout(timer);
}

/** An error for what ends the worker, a warning for what was only sent to the wrong place. */
export function channelLog(
  log: Logger,
  facts: { readonly service: string; readonly workerId: number; readonly pid: number | undefined },
): Required<Pick<WorkerListener, 'fault' | 'foreign'>> {
  const { pid } = facts;
  return {
    fault: (fault) => {
      const text = `Child ${pid} can be told nothing any more, killing it: ${fault}`;
      log.error(text, { event: 'worker_fault', ...facts, fault });
    },
    foreign: (message) => {
      const text = `Child ${pid} sent ${message}, which is ignored, as any more will be: its channel is Portico's own, and`;
      const entry = { event: 'worker_foreign', ...facts, message };
      log.warn(`${text} messages of process.send() in a worker are not delivered`, entry);
    },
  };
}

/** Whose end it was. */
interface ExitFacts {
  readonly service: string;
  readonly worker: WorkerHandle;
  readonly exit: WorkerExit;
  /** It was ended by its supervisor before it served: not a failure, with any status. */
  readonly called: boolean;
}

/** One line: info for an end with status 0 and one that was asked for; else a warning. */
export function logExit(log: Logger, { service, worker, exit, called }: ExitFacts): void {
  const { code, signal, uptimeMs } = exit;
  const how = signal === null ? `exited with status ${code}` : `killed by signal ${signal}`;
  const facts = {
    event: 'worker_exited',
    service,
    workerId: worker.assignment.index,
    pid: worker.pid,
    code,
    signal,
    uptime: Math.round(uptimeMs) / 1000,
  };
  const message = `Child ${worker.pid ?? '(not started)'} ${how}`;
  if (code === 0 || called) log.info(message, facts);
  else log.warn(message, facts);
}
