/** The link of a worker to its parent. */

/** Key on `process` under which launchers store it. */
const WORKER_LINK = Symbol.for('portico.worker');

/** Returns the link, of which the caller knows a part; undefined in a process that is not a worker of a launcher. */
export function workerLink<Part>(): Part | undefined {
  return (process as { [WORKER_LINK]?: Part })[WORKER_LINK];
}
