/**
 * The rows of the table: each puts a target under load, does something to it, and tells what its clients noticed.
 */
import { Agent } from 'node:http';
import { askFor, type Kinds, Load } from './load.js';
import { isAlive, pause, type Target, until } from './target.js';

/** What a row has seen. */
export interface Outcome {
  readonly answered: number;
  readonly lost: readonly string[];
  /** How long each change took until clients saw it, in milliseconds; what never came is missing. */
  readonly times: readonly number[];
}

/** Reloads under load, one after the other; each is applied when twenty fresh answers in a row are of its generation. */
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

/** KILLs of single workers under load, far enough apart that none is held back as a crash loop. */
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

/** KILL of all workers at once under load; the time is that until one of the next workers answers. */
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

/** One worker stops answering: it computes for ever, or is frozen. The time is that until it is gone. */
export async function stuck(target: Target, how: 'spin' | 'freeze', withinMs: number): Promise<Outcome> {
  // Two clients have two requests at work: more can only be lost where new ones are left to the stuck worker.
  const load = new Load(target, { fresh: 2 });
  const times: number[] = [];
  await load.more(100);
  const workers = target.workers();
  const begun = performance.now();
  if (how === 'freeze') process.kill(workers[0]!, 'SIGSTOP');
  // Its own client is cut off with the worker, which is no loss.
  else askFor(`${target.url}/spin`).catch(() => undefined);
  if (await until(() => workers.some((pid) => !isAlive(pid)), withinMs)) times.push(performance.now() - begun);
  else for (const pid of workers) process.kill(pid, 'SIGKILL');
  await load.more(50);
  await load.stop();
  return { answered: load.total, lost: load.lost, times };
}

/** What a graceful stop did to requests that take two seconds, each on a connection of its own that is kept. */
export interface StopOutcome {
  readonly whole: number;
  readonly cut: number;
  readonly status: number | null;
  /** From the last whole answer to the end of the last process, in milliseconds. */
  readonly afterLastMs: number;
}

/** Stops a target while requests are at work; `meanwhile` runs once it was told to. */
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
  // A quick answer came through behind them: they are at work.
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
