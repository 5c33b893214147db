/** `portico/redis`: rate limits of all machines in Redis or Valkey, by the option `store` of rate_limit. */
export type { OpenStore, RateStore, StoreOptions } from '../extension/index.js';
