/** `portico/redis`: rate limits and sessions of all machines in Redis or Valkey, by the option `store` of rate_limit and session. */
export type { OpenStore, RateStore, SessionStore, StoreOptions } from 'portico/extension';
