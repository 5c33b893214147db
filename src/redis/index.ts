/** `portico/redis`: rate limits of all machines in Redis or Valkey, by the option `store` of rate_limit. */
export type { OpenRateStore, RateStore, RateStoreOptions } from '../extension/index.js';
