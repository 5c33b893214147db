/** How a worker's process comes to be; what it then does is `launch`'s. Small, for programs that begin with it. */
export { hearOfEarlyWorker, startEarlyWorker, takeEarlyWorker } from './early-worker.js';
export {
  type EarlyAssignment,
  mainModule,
  shownArguments,
  spawnWorker,
  WORKER_ID_VARIABLE,
  type WorkerProgram,
  workerArguments,
} from './worker-process.js';
