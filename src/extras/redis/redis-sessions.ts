/** Sessions in Redis or Valkey, as JSON: a key for each, which the server forgets when the session has expired. */
import type { OpenStore, SessionStore } from 'portico/extension';
import { RedisConnection } from './redis-connection.js';

/** Opens a store of sessions. */
export const openRedisSessions: OpenStore<SessionStore> = async (url, options) => {
  const connection = await RedisConnection.open(url, options);
  const keyOf = (id: string): string => `portico:session:${options.name}:${id}`;
  return {
    async get(id) {
      const text = await connection.ask((client) => client.get(keyOf(id)));
      return text === null ? undefined : parsed(text);
    },
    async set(id, data, seconds, replaces) {
      const expiration = { type: 'EX', value: seconds } as const;
      const rule = replaces ? { expiration, condition: 'XX' as const } : { expiration };
      return (await connection.ask((client) => client.set(keyOf(id), JSON.stringify(data), rule))) !== null;
    },
    touch: (id, seconds) => connection.ask((client) => client.expire(keyOf(id), seconds)),
    delete: (id) => connection.ask((client) => client.del(keyOf(id))),
    close: () => connection.close(),
  };
};

/** Returns undefined for a text that is no JSON: of other code, with an error that would tell a part of it. */
function parsed(text: string): object | undefined {
  try {
    return JSON.parse(text) as object;
  } catch {
    return undefined;
  }
}
