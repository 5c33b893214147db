/**
 * Log lines about one worker: a slow start, messages that are not of the protocol, its end.
 */
import type { Logger } from '../../log/index.js';
import type { WorkerEnd } from '../../operating/index.js';
import { cutOffText, howEnded, isOtherNode, NEW_PARENT } from '../../operating/internal.js';
import { type Fault, heldUp } from '../exit-status.js';
import type { WorkerListener } from './worker-channel.js';
import { standstill } from './worker-end.js';
import type { WorkerHandle } from './worker-handle.js';

/** Time after which a slow start is logged; again when it has taken twice as long, and then at least once a minute. */
const FIRST_MS = 10_000;
const LONGEST_MS = 60_000;

/**
 * Logs the start of a worker and its readiness. Warns until then, each time with the module that is being loaded, or the
 * frame that the worker is stuck in, if known.
 */
export function logStart(worker: WorkerHandle, log: Logger): void {
  const { service, index } = worker.assignment;
  const known = { service, workerId: index, pid: worker.pid };
  log.debug({ event: 'worker_started', ...known }, `Started child ${worker.pid}`);
  let elapsedMs = 0;
  let timer: NodeJS.Timeout;
  const wait = (ms: number): void => {
    timer = setTimeout(() => {
      elapsedMs += ms;
      const { stack, facts: told } = worker.beat;
      const loading = typeof told.loading === 'string' ? told.loading : undefined;
      const [trouble] = Array.isArray(told.troubles) ? told.troubles.map(String) : [];
      const what = loading === undefined ? '' : `, loading ${loading}`;
      const stuck = stack === undefined ? '' : `; it is stuck ${stack[0] ?? ''}`;
      const waits = trouble === undefined ? '' : `; ${trouble}`;
      const facts = { event: 'worker_starting', ...told, ...known, loading, stack };
      const text = `${service}: worker ${index} is still starting after ${elapsedMs / 1000} s`;
      log.warn(facts, `${text}${what}${stuck}${waits}`);
      wait(Math.min(elapsedMs, LONGEST_MS));
    }, ms).unref();
  };
  wait(FIRST_MS);
  const over = (): void => clearTimeout(timer);
  void worker.ready.then(() => {
    over();
    const { node } = worker.beat.facts;
    const facts = { event: 'worker_ready', ...known };
    if (!isOtherNode(node)) log.info(facts, `Child ${worker.pid} is ready`);
    else {
      const other = `with Node ${node} under a parent with ${process.version}: ${NEW_PARENT}`;
      log.warn({ ...facts, node }, `Child ${worker.pid} is ready, ${other}`);
    }
  }, over);
}

/** Logs that a worker hangs and is killed: where, and with which requests. */
export function logFault(log: Logger, worker: WorkerHandle, { reason, what }: Fault): void {
  const { service, index: workerId } = worker.assignment;
  const { pid, beat } = worker;
  const { loading } = beat.facts;
  log.error(
    {
      event: reason === 'start' ? 'worker_late' : 'worker_hung',
      service,
      workerId,
      pid,
      ...(loading === undefined ? {} : { loading }),
      ...standstill(worker),
    },
    `Child ${pid} ${what}, killing it${reason === 'start' ? heldUp(beat) : ''}`,
  );
}

/** Logs an error for a fault that ends the worker, and a warning for a value that was sent to the wrong place. */
export function channelLog(
  log: Logger,
  facts: { readonly service: string; readonly workerId: number; readonly pid: number | undefined },
): Required<Pick<WorkerListener, 'fault' | 'foreign'>> {
  const { pid } = facts;
  return {
    fault: (fault) => {
      log.error({ event: 'worker_fault', ...facts, fault }, `Child ${pid} ${fault}, killing it`);
    },
    foreign: () => {
      const text = `Child ${pid} sent a message by process.send(), which is ignored, as will be further ones: the channel belongs to Portico`;
      log.warn({ event: 'worker_foreign', ...facts }, text);
    },
  };
}

/** An end of a worker. */
interface ExitFacts {
  readonly service: string;
  readonly end: WorkerEnd;
  /** True if its supervisor ended it before it served: not a failure, whatever the status. */
  readonly called: boolean;
  /** True if its launch was refused or stopped: the error that is reported says why. */
  readonly refused: boolean;
  /** Option that limits the end. */
  readonly limit: string;
}

/**
 * Logs one line: debug for the end of a refused start, info for an end with status 0 or a requested end, else a warning. Then logs one line for each request
 * that is lost with the worker, in the form of an access line: its client gets no response.
 */
export function logExit(log: Logger, { service, end, called, refused, limit }: ExitFacts): void {
  const { worker: workerId, pid, code, signal, uptimeMs, reason, error, lost, requests } = end;
  const known = { service, workerId, pid };
  const facts = {
    event: 'worker_exited',
    ...known,
    code,
    signal,
    reason,
    uptime: Math.round(uptimeMs) / 1000,
    // The reason of a failed start is logged where the failure is handled.
    error: reason === 'start' ? undefined : error,
    rss: end.rss,
    heapUsed: end.heapUsed,
    lost: lost === 0 ? undefined : lost,
  };
  const cutOff = reason === 'deadline' && lost > 0 ? `; ${cutOffText(lost, limit)}` : '';
  const message = `Child ${pid ?? '(not started)'} ${howEnded(end)}${cutOff}`;
  if (refused) log.debug(facts, message);
  else if (code === 0 || called) log.info(facts, message);
  else log.warn(facts, message);
  for (const { method, path, ageMs } of requests) {
    const line = { event: 'request_lost', ...known, method, target: path, status: 0, duration_ms: ageMs, reason };
    log.warn(line, 'request lost with its worker');
  }
}
