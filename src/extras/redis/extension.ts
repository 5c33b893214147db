/** Rate limits and sessions of all machines in Redis or Valkey, as an extension. */
import type { Extension } from 'portico/service';

/** One server, Sentinel and a cluster, as Flask-Limiter names them; each also with TLS. */
const SCHEMES = ['redis', 'redis+sentinel', 'redis+cluster', 'rediss', 'rediss+sentinel', 'rediss+cluster'];

const forEachScheme = <T>(open: T): Record<string, T> => Object.fromEntries(SCHEMES.map((scheme) => [scheme, open]));

export const extension = {
  name: 'portico/redis',
  provides: {
    rateStores: forEachScheme(async () => (await import('./redis-rates.js')).openRedisRates),
    sessionStores: forEachScheme(async () => (await import('./redis-sessions.js')).openRedisSessions),
  },
} satisfies Extension;
