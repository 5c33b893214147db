// Load before a measurement, until V8 compiles nothing more.
import { timeBetween, treeTimes } from './process-tree.mjs';

/**
 * V8 compiles in separate threads. On Node 24 they take a third of the CPU in the first 25,000 requests, and then come back for moments
 * until some 200,000. Its garbage collector uses them too, always, for half a percent. So the part of all threads beside the main ones
 * must be small in this many blocks in a row.
 */
const STEADY_PART = 0.015;
const STEADY_BLOCKS = 10;
/** The length of a block, as a part of the first requests. */
const BLOCK_PART = 0.4;
const MOST_MS = 15_000;

/**
 * Sends the `first` requests after the start, then blocks of requests until V8's threads have nothing more to do: at most `most` requests
 * in all, or 15 s. Returns the microseconds of CPU for each of the first ones.
 */
export async function warmUp({ pid }, order, load, { first, most }) {
  const end = performance.now() + MOST_MS;
  const spend = async (count) => {
    const before = treeTimes(pid);
    await load.send({ ...order, count });
    return timeBetween(before, treeTimes(pid), pid);
  };
  const { total: early } = await spend(first);
  const block = Math.ceil(first * BLOCK_PART);
  let steady = 0;
  for (let sent = first; sent < most && steady < STEADY_BLOCKS && performance.now() < end; sent += block) {
    const { total, side } = await spend(block);
    steady = side < total * STEADY_PART ? steady + 1 : 0;
  }
  return early / first;
}
