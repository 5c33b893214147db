/** Rate limits of all machines in Redis or Valkey, as an extension. */
import type { Extension } from '../service/index.js';

const rates = async () => (await import('./redis-rates.js')).openRedisRates;

export const extension = {
  name: 'portico/redis',
  provides: { rateStores: { redis: rates, rediss: rates } },
} satisfies Extension;
