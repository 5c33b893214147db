/**
 * The lines a log has for what a worker sends its parent and should not.
 */
import type { Logger } from '../../log/index.js';
import type { WorkerHandle } from './worker-handle.js';

/** An error for what ends the worker, a warning for what was only sent to the wrong place. */
export function logChannel(log: Logger, service: string, worker: WorkerHandle): void {
  const facts = { service, workerId: worker.assignment.index, pid: worker.pid };
  worker.onFault = (fault) => {
    const entry = { event: 'worker_fault', ...facts, fault };
    log.error(`Child ${worker.pid} does not keep to the rules of its channel, killing it: ${fault}`, entry);
  };
  worker.onForeign = (message) => {
    const text = `Child ${worker.pid} sent ${message}, which is ignored, as any more will be: its channel is Portico's own, and`;
    log.warn(`${text} nobody hears what process.send() says in a worker`, {
      event: 'worker_foreign',
      ...facts,
      message,
    });
  };
}
