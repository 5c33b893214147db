/** Sessions in Redis or Valkey, as JSON: a key for each, which the server forgets when the session has expired. */
import type { OpenStore, SessionStore } from 'portico/extension';
import { RedisConnection } from './redis-connection.js';

const SET_IF_UNCHANGED = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1`;

/** Opens a store of sessions. */
export const openRedisSessions: OpenStore<SessionStore> = async (url, options) => {
  const connection = await RedisConnection.open(url, options);
  /** The texts of what was read, to find whether they are there still. */
  const texts = new WeakMap<object, string>();
  const keyOf = (id: string): string => `portico:session:${options.name}:${id}`;
  return {
    async get(id) {
      const text = await connection.ask((client) => client.get(keyOf(id)));
      const data = text === null ? undefined : parsed(text);
      if (typeof data === 'object' && data !== null) texts.set(data, text!);
      return data;
    },
    async set(id, data, seconds, before) {
      const [key, text] = [keyOf(id), JSON.stringify(data)];
      if (before === undefined) {
        await connection.ask((client) => client.set(key, text, { expiration: { type: 'EX', value: seconds } }));
        return true;
      }
      const given = { keys: [key], arguments: [texts.get(before) ?? '', text, String(seconds)] };
      return (await connection.ask((client) => client.eval(SET_IF_UNCHANGED, given))) === 1;
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
