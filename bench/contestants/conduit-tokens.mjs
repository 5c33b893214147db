// Tokens for plain Fastify, which has none: JWT with HS256 (RFC 7515).
import { createHmac, timingSafeEqual } from 'node:crypto';

const LIFETIME = 60 * 60 * 24;
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const HEADER = part({ alg: 'HS256', typ: 'JWT' });
const signature = (text, key) => createHmac('sha256', key).update(text).digest();

export function signToken(userId, key) {
  const text = `${HEADER}.${part({ sub: userId, exp: Math.floor(Date.now() / 1000) + LIFETIME })}`;
  return `${text}.${signature(text, key).toString('base64url')}`;
}

/** Returns the user of `Authorization: Token …`; undefined without a token, null for an invalid or expired one. */
export function tokenUser({ authorization = '' }, key) {
  const [, token] = /^Token (\S+)$/i.exec(authorization) ?? [];
  if (token === undefined) return undefined;
  const [header, payload = '', signed = ''] = token.split('.');
  const expected = signature(`${header}.${payload}`, key);
  const given = Buffer.from(signed, 'base64url');
  if (header !== HEADER || given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
  const { sub, exp } = JSON.parse(Buffer.from(payload, 'base64url').toString());
  return exp * 1000 > Date.now() ? sub : null;
}
