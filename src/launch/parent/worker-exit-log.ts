/**
 * The line a log has for the end of a worker.
 */
import type { Logger } from '../../log/index.js';
import type { WorkerExit, WorkerHandle } from './worker-handle.js';

/** Whose end it was. */
export interface ExitFacts {
  readonly service: string;
  readonly worker: WorkerHandle;
  readonly exit: WorkerExit;
  /** It was ended by its supervisor before it served: no accident, whatever its status. */
  readonly called: boolean;
}

/** One line: info for an end with status 0, one that was asked for, and a child that only checked a reload; else a warning. */
export function logExit(log: Logger, { service, worker, exit, called }: ExitFacts): void {
  const { code, signal, uptimeMs } = exit;
  const how = signal === null ? `exited with status ${code}` : `killed by signal ${signal}`;
  if (worker.rehearsing) {
    // It had no worker's place, and what it found wrong is the reload's to say.
    const facts = { event: 'reload_check', service, pid: worker.pid, code, signal };
    log.info(`Child ${worker.pid ?? '(not started)'}, which only checked a reload, ${how}`, facts);
    return;
  }
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
