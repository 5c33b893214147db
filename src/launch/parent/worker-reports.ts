/**
 * Reports of workers, which their parent appends to its own report.
 */

import type { Answer } from '../../operating/index.js';
import { within } from '../../tasks/internal.js';
import type { WorkerHandle } from './worker-handle.js';

/** Time that a worker has to report. */
const REPORT_MS = 5000;
/** Time that all workers have. */
export const REPORTS_MS = REPORT_MS + 1000;
/** Interval between checks for a stack from the watch thread. */
const LOOK_MS = 100;

/** Time after which a watch thread without a stack will find none. */
const STACKLESS_SECONDS = 4;

/** Returns the reports of these workers, one after another. */
export async function workerReports(workers: readonly WorkerHandle[]): Promise<string> {
  const answers = await Promise.all(workers.map(reportOf));
  return answers
    .map(({ service, workerId, pid, body, error }) => {
      const text = typeof body === 'string' ? body : `no report: ${error ?? 'it gave none'}`;
      return `Worker ${workerId} of ${service ?? 'all services'} (pid ${pid})\n\n${text}`;
    })
    .join('\n\n');
}

/** Returns the report of a worker; for a stuck worker its stack, at once if it is known. */
async function reportOf(worker: WorkerHandle): Promise<Answer> {
  const answer = worker.ask('report', undefined, REPORT_MS);
  for (;;) {
    const { stack } = worker;
    const answered = await within(answer, stack === undefined ? LOOK_MS : 0);
    if (answered !== undefined) return answered;
    if (stack !== undefined || worker.silentSeconds > STACKLESS_SECONDS) return stuckAnswer(worker, stack);
  }
}

function stuckAnswer(worker: WorkerHandle, stack: readonly string[] | undefined): Answer {
  const { service, index: workerId } = worker.assignment;
  const seconds = Math.round((performance.now() - worker.lastBeatAt) / 1000);
  const what =
    stack === undefined
      ? ['its watch thread does not respond: the process is stopped, or its main thread is blocked in a system call']
      : ['its main thread is stuck:', ...stack.map((frame) => `    ${frame}`)];
  return { service, workerId, pid: worker.pid, body: `no heartbeat for ${seconds} s; ${what.join('\n')}` };
}
