/** Values that the processes of a service leave to those that replace them. */

/** Values by key, which outlive a worker and a reload, and end with the program. In workers they are copied: plain data and dates. */
export interface KeptValues {
  get(key: string): unknown;
  set(key: string, value: unknown): void;
}

/** Key on `process` under which launchers store a worker's link to its parent. */
const WORKER_LINK = Symbol.for('portico.worker');

/** Returns the values of this worker's service, which its parent keeps; undefined in a process that is not a worker of a launcher. */
export function keptByParent(): KeptValues | undefined {
  return (process as { [WORKER_LINK]?: { readonly kept?: KeptValues } })[WORKER_LINK]?.kept;
}
