/**
 * What an action returned, as JSON on Node's own response.
 */
import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { setAnswerHeaders } from '../actions/answer-headers.js';
import { jsonText } from '../actions/json-text.js';
import { Reply, SENT } from '../actions/reply.js';
import { type AnswerRules, hasSchema, isResponse, isSentAsIs } from '../actions/send-answer.js';

/**
 * Sends what an action returned, with the same bytes as `sendAnswer`. False, and nothing is sent, for what is no JSON
 * (streams, bytes, a Response), and for the first answer by a response schema, which Fastify has compiled.
 */
export function sendJson(res: ServerResponse, value: unknown, rules: AnswerRules): boolean {
  if (value === SENT) return true;
  const reply = value instanceof Reply ? value : undefined;
  const body: unknown = reply === undefined ? value : reply.body;
  const empty = body === undefined || body === null;
  const status = reply?.status ?? rules.status ?? (empty ? 204 : 200);
  if (typeof body === 'object' && body !== null && (isSentAsIs(body) || isResponse(body))) return false;
  if (status < 200 || status > 599 || !Number.isInteger(status)) return false;
  const bySchema = rules.compiledFor !== undefined && rules.serializer === null && hasSchema(rules.compiledFor, status);
  const serialize = bySchema ? rules.compiledSerializers.get(status) : (rules.serializer ?? jsonText);
  if (serialize === undefined && !empty) return false;
  if (reply !== undefined) setHeaders(res, reply.headers);
  if (empty) writeEmpty(res, status);
  else writeText(res, status, body, serialize!, rules.type, reply);
  return true;
}

function setHeaders(res: ServerResponse, headers: Readonly<OutgoingHttpHeaders>): void {
  const target = {
    get: (name: string) => res.getHeader(name),
    set: (name: string, value: OutgoingHttpHeader) => void res.setHeader(name, value),
  };
  setAnswerHeaders(target, Object.entries(headers));
}

/** RFC 9110 §8.6: no length for 204 and 304; for HEAD it is that of the GET, which is not known. */
function writeEmpty(res: ServerResponse, status: number): void {
  if (status === 204 || status === 304 || res.req.method === 'HEAD') res.writeHead(status);
  else res.writeHead(status, { 'content-length': '0' });
  res.end();
}

function writeText(
  res: ServerResponse,
  status: number,
  body: unknown,
  serialize: (value: unknown) => string,
  type: string | null,
  reply: Reply | undefined,
): void {
  const given = res.getHeader('content-type');
  const isText = given !== undefined && typeof body === 'string' && !String(given).includes('json');
  const text = isText ? body : serialize(body);
  if (status === 204) {
    res.removeHeader('content-type');
    res.removeHeader('content-length');
    res.writeHead(status);
    res.end();
    return;
  }
  if (given === undefined) {
    const head: OutgoingHttpHeaders = { 'content-type': type ?? 'application/json' };
    if (!keepsLength(res, reply)) head['content-length'] = Buffer.byteLength(text);
    res.writeHead(status, head);
  } else if (keepsLength(res, reply)) res.writeHead(status);
  else res.writeHead(status, { 'content-length': Buffer.byteLength(text) });
  res.end(text);
}

/** The answer to HEAD may have the length that its action says. */
function keepsLength(res: ServerResponse, reply: Reply | undefined): boolean {
  if (reply === undefined || res.req.method !== 'HEAD') return false;
  return Object.keys(reply.headers).some((name) => name.toLowerCase() === 'content-length');
}
