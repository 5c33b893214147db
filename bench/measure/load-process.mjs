// The process that sends the load, as the program that measures sees it.
import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** One process for all rounds, so that its own warming up falls into none of them. */
export class LoadProcess {
  #child = fork(fileURLToPath(new URL('./load.mjs', import.meta.url)));

  /** Sends requests and waits for all answers; rejects when one of them is not what it must be. */
  async send(order) {
    this.#child.send(order);
    const [facts] = await once(this.#child, 'message');
    if (facts.error !== undefined) throw new Error(facts.error);
    return facts;
  }

  /** Lets it run on these processors alone, by Linux's numbers: `1`, `0-3`. */
  pin(processors) {
    spawnSync('taskset', ['-a', '-c', '-p', processors, String(this.#child.pid)]);
  }

  close() {
    this.#child.disconnect();
  }
}
