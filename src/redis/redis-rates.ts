/** Token buckets in Redis or Valkey: one script takes a token in one round trip, by the clock of the server. */
import { createHash, hash } from 'node:crypto';
import { importPeer, type OpenRateStore, PorticoError, type RateStore } from '../extension/index.js';
import { systemClock, within } from '../tasks/index.js';

const REDIS = { code: 'PORTICO_REDIS_MISSING', neededBy: 'store = redis://…', spec: 'redis@6' };

/**
 * The generic cell rate algorithm: a key has the time at which its bucket is full, in microseconds, and ends then. Takes the time for a token,
 * the capacity, and the time for which the request would wait. Returns 1 if the token is granted, the wait, the tokens left, and the time
 * until the bucket is full.
 */
const SCRIPT = `
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local interval, burst, patience = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local wait = math.max(0, full + interval - burst * interval - now)
local granted = wait <= patience
if granted then
  full = full + interval
  redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000))
end
return { granted and 1 or 0, math.ceil(wait), math.max(0, math.floor(burst - (full - now) / interval)), math.ceil(full - now) }`;
const DIGEST = createHash('sha1').update(SCRIPT).digest('hex');

/** Late answers in sequence, after which the connection is made anew: its server may be gone without a word. */
const MOST_LATE = 3;
/** Time in which late answers count as one: a stall makes those of all requests late. */
const LATE_MS = 1000;
/** Most commands that wait for their answers. */
const MOST_COMMANDS = 10_000;
const CONNECT_MS = 2000;
/** Time for which a start waits for the connection; without it, requests are limited by each machine. */
const START_MS = 1000;
const LONGEST_REST_MS = 2000;

/** Opens token buckets in the server of a URL: `redis://user:password@host:6379/0`, or `rediss://` for TLS. */
export const openRedisRates: OpenRateStore = async (url, { name, timeoutMs, connects, log }) => {
  const { createClient } = await importPeer((failed) => import('redis').catch(failed), REDIS);
  const make = () => {
    const client = createClient({
      url,
      // Also for servers without the third protocol, and for users who may not name their connection.
      RESP: 2,
      disableClientInfo: true,
      disableOfflineQueue: true,
      commandsQueueMaxLength: MOST_COMMANDS,
      socket: {
        connectTimeout: CONNECT_MS,
        // All machines lose it at once.
        reconnectStrategy: (tries) => Math.random() * Math.min(LONGEST_REST_MS, 50 * 2 ** Math.min(tries, 10)),
      },
    });
    client.on('error', (error: unknown) =>
      log.debug({ err: error }, 'the connection to the store of rate limits failed'),
    );
    const connected = connects ? client.connect().then(ignore, ignore) : Promise.resolve();
    return { client, connected };
  };
  const first = made(make);
  let { client } = first;
  await within(first.connected, START_MS);
  let late = 0;
  let lateAt = Number.NEGATIVE_INFINITY;
  const run = async (keys: string[], given: string[]): Promise<unknown> => {
    try {
      return await client.evalSha(DIGEST, { keys, arguments: given });
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return client.eval(SCRIPT, { keys, arguments: given });
    }
  };
  const renew = (): void => {
    late = 0;
    client.destroy();
    client = make().client;
  };
  const countLate = (): void => {
    const now = systemClock.now();
    if (now - lateAt < LATE_MS) return;
    lateAt = now;
    late++;
    if (late >= MOST_LATE) renew();
  };
  return {
    async take({ id, rate, burst }, key, patienceMs) {
      if (!client.isReady) throw new Error('it is not connected');
      const bucket = `portico:rate:${name}:${hash('sha256', `${id}\n${key}`, 'base64url')}`;
      const asked = run([bucket], [String(1e6 / rate), String(burst), String(patienceMs * 1000)]);
      asked.then(() => {
        late = 0;
      }, ignore);
      // Timers come before sockets: an answer that arrived while this process was busy is read in the next turn.
      const answer = await within(asked, timeoutMs, () => within(asked, 0));
      if (answer === undefined) {
        countLate();
        throw new Error(`no response within ${timeoutMs} ms`);
      }
      const [granted, waitUs, left, resetUs] = answer as [number, number, number, number];
      return { granted: granted === 1, waitMs: waitUs / 1000, left, resetMs: resetUs / 1000 };
    },
    close: () => client.destroy(),
  } satisfies RateStore;
};

const ignore = (): void => undefined;

/** The URL of a client may be wrong; the error of the package may have its password. */
function made<T>(make: () => T): T {
  try {
    return make();
  } catch {
    throw new PorticoError('PORTICO_RATE_STORE', {
      message: 'the URL of the store of rate limits cannot be read',
      hint: 'Write redis://user:password@host:6379/0, or rediss:// for TLS.',
    });
  }
}
