/**
 * Who is counted by a rule.
 */
import { hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { environ } from '../../app/index.js';
import { addressKey } from '../addresses.js';
import type {} from '../auth/identity.js';
import { userTokenOf } from '../auth/presented-token.js';
import type { RateRule } from './rate-rules.js';

/** The bucket of a request; undefined when this kind of caller is not known. `address` is the client's. */
export function callerKey(
  key: Exclude<RateRule['key'], 'route'>,
  req: IncomingMessage,
  address: string,
): string | undefined {
  const { context, identity } = environ(req);
  if (key === 'address') return addressKey(address);
  if (key === 'project') return context?.projectId ?? identity?.projectId;
  if (key === 'user') return context?.userId ?? identity?.userId;
  const token = userTokenOf(req, true) ?? credentialsOf(req);
  return token === undefined ? undefined : hash('sha256', token, 'base64url');
}

/** As one text, however scheme and spaces are written (RFC 9110 §11.4). */
function credentialsOf({ headers: { authorization } }: IncomingMessage): string | undefined {
  const [, scheme = '', rest = ''] = /^(\S+)(.*)$/s.exec(authorization?.trim() ?? '') ?? [];
  return scheme === '' ? undefined : `${scheme.toLowerCase()} ${rest.trim()}`;
}
