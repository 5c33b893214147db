/** Why a launch has failed whose worker ended before it was ready. */
import { ConfigurationRefused, PorticoError } from '../../errors/index.js';
import type { Assignment, WorkerFailure } from '../assignment.js';
import { STATUS_REFUSED } from '../exit-status.js';

/** How the worker ended. */
interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it said before. */
  readonly failure: WorkerFailure | undefined;
}

/** In the words of the worker, where it had any. */
export function startError(assignment: Assignment, exit: Ending): Error {
  const { service, index } = assignment;
  const { failure } = exit;
  if (failure === undefined) {
    const how = exit.signal === null ? `exited with status ${exit.code}` : `was killed by ${exit.signal}`;
    return new PorticoError('PORTICO_WORKER_FAILED', {
      message: `worker ${index} of service ${service} ${how} before it was ready`,
      ...(exit.signal === null ? { hint: 'Is there a process.exit() in the application, or in what it imports?' } : {}),
    });
  }
  const { text: message, diagnostics } = failure;
  const code = failure.code ?? 'PORTICO_WORKER_FAILED';
  if (failure.status === STATUS_REFUSED)
    return new ConfigurationRefused(code, diagnostics === undefined ? { message } : { message, diagnostics });
  // The launch ends with the status that a service chose.
  if (code === 'PORTICO_SERVICE_EXIT')
    return Object.assign(new PorticoError(code, { message }), { exitCode: failure.status });
  if (code.startsWith('PORTICO_')) return new PorticoError(code, { message });
  return Object.assign(new PorticoError('PORTICO_WORKER_FAILED', { message }), { code });
}
