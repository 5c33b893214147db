/** The rows of the table: each puts a target under load, injects a fault and returns the effect on clients. */
import { Agent } from 'node:http';
import { askFor, type Kinds, Load } from './load.js';
import { isAlive, pause, type Target, until } from './target.js';

/** The result of a row. */
export interface Outcome {
  readonly answered: number;
  readonly lost: readonly string[];
  /** Milliseconds until clients saw each change; a change they never saw is missing. */
  readonly times: readonly number[];
}

/** Reloads under load, one after the other. A reload counts as applied after twenty fresh responses in a row of its generation. */
export async function reloads(
  target: Target,
  rounds: number,
  kinds: Kinds,
): Promise<Outcome & { readonly applied: number }> {
  const load = new Load(target, kinds);
  const seen = (word: string): number | undefined =>
    [...load.firstSeen].find(([text]) => text.startsWith(`${word} `))?.[1];
  const times: number[] = [];
  let applied = 0;
  await load.more(100);
  for (let round = 1; round <= rounds; round++) {
    const word = `g${round}`;
    await target.reload(word);
    const begun = performance.now();
    if (!(await until(() => seen(word) !== undefined, 30_000))) continue;
    times.push(seen(word)! - begun);
    let row = 0;
    const all = await until(async () => {
      const { text } = await askFor(`${target.url}/`).catch(() => ({ text: '' }));
      row = text.startsWith(`${word} `) ? row + 1 : 0;
      return row === 20;
    }, 30_000);
    if (all) applied += 1;
    await load.more(50);
  }
  await load.stop();
  return { answered: load.total, lost: load.lost, times, applied };
}

/** Kills single workers under load, far enough apart that no restart is delayed as a crash loop. */
export async function kills(target: Target, rounds: number, clients: number): Promise<Outcome> {
  const load = new Load(target, { fresh: clients });
  const times: number[] = [];
  await load.more(100);
  for (let round = 0; round < rounds; round++) {
    const workers = target.workers();
    const known = load.pids;
    const begun = performance.now();
    process.kill(workers[round % workers.length]!, 'SIGKILL');
    const replaced = await until(() => load.pids.size > known.size, 10_000);
    if (replaced) times.push(performance.now() - begun);
    await pause(1300);
  }
  await load.stop();
  return { answered: load.total, lost: load.lost, times };
}

/** Kills all workers at once under load. The time runs until one of the next workers responds. */
export async function killAll(target: Target, clients: number): Promise<Outcome> {
  const load = new Load(target, { fresh: clients });
  const times: number[] = [];
  await load.more(100);
  const known = load.pids;
  const begun = performance.now();
  for (const pid of target.workers()) process.kill(pid, 'SIGKILL');
  if (await until(() => load.pids.size > known.size, 10_000)) times.push(performance.now() - begun);
  await load.more(50);
  await load.stop();
  return { answered: load.total, lost: load.lost, times };
}

/** Makes one worker stop responding: it computes forever or is frozen. The time runs until it is gone. */
export async function stuck(target: Target, how: 'spin' | 'freeze', withinMs: number): Promise<Outcome> {
  // Two clients have at most two requests in flight: more are lost only if new ones are given to the stuck worker.
  const load = new Load(target, { fresh: 2 });
  const times: number[] = [];
  await load.more(100);
  const workers = target.workers();
  const begun = performance.now();
  if (how === 'freeze') process.kill(workers[0]!, 'SIGSTOP');
  // The request to `/spin` is cut off with the worker, which does not count as a loss.
  else askFor(`${target.url}/spin`).catch(() => undefined);
  if (await until(() => workers.some((pid) => !isAlive(pid)), withinMs)) times.push(performance.now() - begun);
  else for (const pid of workers) process.kill(pid, 'SIGKILL');
  await load.more(50);
  await load.stop();
  return { answered: load.total, lost: load.lost, times };
}

/** The effect of a graceful stop on requests that take two seconds, each on a separate kept connection. */
export interface StopOutcome {
  readonly whole: number;
  readonly cut: number;
  readonly status: number | null;
  /** Milliseconds from the last whole response to the end of the last process. */
  readonly afterLastMs: number;
}

/** Stops a target while requests are in flight; `meanwhile` runs after the stop was requested. */
export async function stopAtWork(
  target: Target,
  requests: number,
  meanwhile: () => void | Promise<void> = () => undefined,
): Promise<StopOutcome> {
  const agent = new Agent({ keepAlive: true, maxSockets: requests });
  let [whole, cut, last] = [0, 0, performance.now()];
  const all = Array.from({ length: requests }, () =>
    askFor(`${target.url}/slow`, agent).then(
      ({ status }) => {
        if (status < 400) whole += 1;
        else cut += 1;
        last = performance.now();
      },
      () => {
        cut += 1;
      },
    ),
  );
  // A response to a later request shows that the earlier ones are in flight.
  await askFor(`${target.url}/`);
  await pause(300);
  const stopped = target.stop();
  await meanwhile();
  await Promise.all(all);
  const status = await stopped;
  const afterLastMs = performance.now() - last;
  agent.destroy();
  return { whole, cut, status, afterLastMs };
}
