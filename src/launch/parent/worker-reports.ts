/**
 * The reports of workers, which their parent adds to its own.
 */
import { within } from '../../tasks/internal.js';
import type { Answer } from '../questions.js';
import type { WorkerHandle } from './worker-handle.js';

/** How long a worker may take to report. */
const REPORT_MS = 5000;
/** How long all of them may take. */
export const REPORTS_MS = REPORT_MS + 1000;
/** How often is looked whether the watch thread has something. */
const LOOK_MS = 100;

/** A watch thread that could find something has done so by then. */
const STACKLESS_SECONDS = 4;

/** The reports of these workers, one behind the other. */
export async function workerReports(workers: readonly WorkerHandle[]): Promise<string> {
  const answers = await Promise.all(workers.map(reportOf));
  return answers
    .map(({ service, workerId, pid, body, error }) => {
      const text = typeof body === 'string' ? body : `no report: ${error ?? 'it gave none'}`;
      return `Worker ${workerId} of ${service ?? 'all services'} (pid ${pid})\n\n${text}`;
    })
    .join('\n\n');
}

/** Its own report; that of a stuck worker is its stack, at once where that is known. */
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
