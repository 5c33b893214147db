/**
 * The end of a process whose event loop is stuck during its graceful stop: a thread that needs no loop of its own.
 */
import { Worker } from 'node:worker_threads';

/** After the deadline the process has so much more to end by itself. */
const GRACE_MS = 1000;

/** Kills the process a second after `timeoutMs`, unless the function it gives is called first. 0: never. */
export function killAfter(timeoutMs: number): () => void {
  if (timeoutMs === 0) return () => undefined;
  const thread = new Worker(THREAD, {
    eval: true,
    workerData: timeoutMs + GRACE_MS,
    execArgv: [],
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1, stackSizeMb: 1 },
  });
  thread.on('error', () => undefined);
  thread.unref();
  return () => void thread.terminate();
}

const THREAD = `const { workerData } = require('node:worker_threads');
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, workerData);
process.kill(process.pid, 'SIGKILL');`;
