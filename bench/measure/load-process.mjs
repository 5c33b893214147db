// The process that sends the load, as seen by the process that measures.
import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** One process for all rounds, so that its warm-up does not affect any of them. */
export class LoadProcess {
  #child = fork(fileURLToPath(new URL('./load.mjs', import.meta.url)));

  /** Sends requests and waits for all responses. Rejects if a response is unexpected. */
  async send(order) {
    this.#child.send(order);
    const [facts] = await once(this.#child, 'message');
    if (facts.error !== undefined) throw new Error(facts.error);
    return facts;
  }

  /** Restricts the process to these CPUs, in Linux's notation: `1`, `0-3`. */
  pin(processors) {
    spawnSync('taskset', ['-a', '-c', '-p', processors, String(this.#child.pid)]);
  }

  close() {
    this.#child.disconnect();
  }
}
