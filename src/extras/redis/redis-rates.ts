/** Token buckets in Redis or Valkey: one script takes tokens of all rules in one round trip, by the clock of the server. */
import { createHash, hash } from 'node:crypto';
import type { OpenStore, RateBucket, RateStore, Taken } from 'portico/extension';
import { RedisConnection } from './redis-connection.js';

/**
 * The generic cell rate algorithm: a key has the time at which its bucket is full, in microseconds, and ends then. Takes the time for which
 * the request would wait, and for each key the time for a token and the capacity. Returns for each key, until one is refused: 1 if the token
 * is granted, the wait, the tokens left, and the time until the bucket is full.
 */
const SCRIPT = `
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local patience = tonumber(ARGV[1])
local taken = {}
for i, key in ipairs(KEYS) do
  local interval, burst = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local full = math.max(tonumber(redis.call('GET', key) or 0), now)
  local wait = math.max(0, full + interval - burst * interval - now)
  local granted = wait <= patience
  if granted then
    full = full + interval
    redis.call('SET', key, string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000))
  end
  taken[i] = { granted and 1 or 0, math.ceil(wait), math.max(0, math.floor(burst - (full - now) / interval)), math.ceil(full - now) }
  if not granted then break end
end
return taken`;
const DIGEST = createHash('sha1').update(SCRIPT).digest('hex');

/** Opens token buckets. */
export const openRedisRates: OpenStore<RateStore> = async (url, options) => {
  const connection = await RedisConnection.open(url, options);
  const keyOf = ({ rule, key }: RateBucket): string =>
    `portico:rate:${options.name}:${hash('sha256', `${rule.id}\n${key}`, 'base64url')}`;
  const run = async (buckets: readonly RateBucket[], patienceMs: number): Promise<Taken[]> => {
    const rates = buckets.flatMap(({ rule: { rate, burst } }) => [String(1e6 / rate), String(burst)]);
    const given = { keys: buckets.map(keyOf), arguments: [String(patienceMs * 1000), ...rates] };
    const answer = await connection.ask(async (client) => {
      try {
        return await client.evalSha(DIGEST, given);
      } catch (error) {
        if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
        return client.eval(SCRIPT, given);
      }
    });
    return (answer as [number, number, number, number][]).map(([granted, waitUs, left, resetUs]) => ({
      granted: granted === 1,
      waitMs: waitUs / 1000,
      left,
      resetMs: resetUs / 1000,
    }));
  };
  return {
    async take(buckets, patienceMs) {
      if (!connection.isCluster) return run(buckets, patienceMs);
      const all: Taken[] = [];
      for (const bucket of buckets) {
        all.push(...(await run([bucket], patienceMs)));
        if (all.at(-1)?.granted === false) break;
      }
      return all;
    },
    close: () => connection.close(),
  };
};
