/** All parsers of text from peers: other services and their broker, the identity service and its cache, an issuer of tokens. */
import { deflateSync } from 'node:zlib';
import { createLocalJWKSet, type JSONWebKeySet } from 'jose';
import { RequestContext } from 'portico/app';
import { isCompatible } from '#internal/extras/rpc';
import { type RequestEnvelope, readReply, readRequest } from '../../dist/extras/rpc/message/envelope.js';
import { readNotification } from '../../dist/extras/rpc/notifications/notification.js';
import { routeOfQueue } from '../../dist/extras/rpc/transport/route.js';
import { tokenInfoOf } from '../../dist/middleware/auth/identity-client.js';
import { maskUris } from '../../dist/text/secrets.js';
import type { ParserRow } from './parser-time.js';

const MOST = 100_000_000;

/** Values in JSON, of all kinds. */
const JSON_TEXTS = {
  before: ['', '"', '[', '{"a":', '[1234567890123456,"', '{"a":NaN,"', '[7'],
  units: ['{"a":', '[1],', '"a",', '1,', '"\\u005f_proto__":1,', '"\\\\\\"', '7', '7777777777777777,', 'NaN,', '1e'],
};

function wrapped(message: string): Buffer {
  return Buffer.from(JSON.stringify({ 'oslo.version': '2.0', 'oslo.message': message }));
}

/** The rows for `slowTextOf`. */
export function peerRows(): ParserRow[] {
  const address = { maxBytes: MOST };
  const limits = { priority: 'info', limits: address } as const;
  return [
    {
      ...JSON_TEXTS,
      name: 'a message of oslo.messaging',
      parse: (text) => readRequest(wrapped(text), address),
    },
    {
      ...JSON_TEXTS,
      name: 'a message of oslo.messaging without an envelope',
      parse: (text) => readRequest(Buffer.from(text), address),
    },
    {
      ...JSON_TEXTS,
      name: 'a failure of oslo.messaging',
      parse: (text) => readReply(wrapped(JSON.stringify({ _msg_id: 'a', failure: text })), address),
    },
    {
      name: 'names and values of a message of oslo.messaging',
      parse: (text) => {
        const names = { method: text, _msg_id: text, _reply_q: text, _unique_id: text, version: text };
        const { ctx } = readRequest(
          wrapped(JSON.stringify({ method: 'a', args: { [text]: text }, [`_context_${text}`]: text })),
          address,
        ) as RequestEnvelope;
        RequestContext.fromDict({ ...ctx, request_id: text, roles: [text], user_id: text });
        return readRequest(wrapped(JSON.stringify(names)), address);
      },
    },
    { ...JSON_TEXTS, name: 'a notification', parse: (text) => readNotification(Buffer.from(text), limits) },
    {
      ...JSON_TEXTS,
      name: 'the types of a message',
      parse: (text) => readReply(wrapped(`{"result":[],"_portico":{"v":1,"types":{"result":${text}}}}`), address),
    },
    {
      name: 'typed values of a message',
      parse: (text) => {
        for (const type of ['date', 'bytes', 'bigint', 'map', 'set', text]) {
          const result = type === 'map' ? [[text, text]] : text;
          try {
            readReply(
              wrapped(JSON.stringify({ _msg_id: 'a', result, _portico: { v: 1, types: { result: type } } })),
              address,
            );
          } catch {
            // The next type.
          }
        }
      },
    },
    { name: 'a compressed message', parse: (text) => readRequest(deflateSync(text), address) },
    { name: 'the version of a call', before: ['', '1.'], parse: (text) => isCompatible('1.0', text) },
    { name: 'the queue of a dead letter', before: ['', 'a.'], parse: (text) => routeOfQueue('a', text) },
    { name: "a peer's text in the log", before: ['', 'a://', 'http://a:'], parse: maskUris },
    { ...JSON_TEXTS, name: 'a token of the identity service', parse: tokenInfoOf },
    {
      ...JSON_TEXTS,
      name: "an issuer's keys",
      parse: (text) => createLocalJWKSet(JSON.parse(text) as JSONWebKeySet),
    },
  ];
}
