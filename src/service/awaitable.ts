/** A value, or a promise of one: what every verb and hook of a service may return. */
export type Awaitable<T> = T | PromiseLike<T>;
