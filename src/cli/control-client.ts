/**
 * Client of a control socket: sends requests to a running service, and reports why one does not respond.
 */
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { PorticoError } from '../errors/index.js';
import { ArgumentRefused } from './failure.js';

/** A service answers from memory: one that is silent for this time does not respond. */
const ANSWER_MS = 5000;

/**
 * Sends a request, and returns the response; rejects with the service's refusal, or with `PORTICO_NOT_RUNNING`. A change may take long, so
 * the service is first asked whether it responds.
 */
export async function ask<T>(
  path: string,
  method: string,
  url: string,
  body: object = {},
  answerMs = ANSWER_MS,
): Promise<T> {
  if (method !== 'GET') await ask(path, 'GET', '/healthz');
  const signal = method === 'GET' ? AbortSignal.timeout(answerMs) : undefined;
  const headers = { 'content-type': 'application/json' };
  const asked = request({ socketPath: path, method, path: url, headers, ...(signal && { signal }) });
  asked.end(method === 'POST' ? JSON.stringify(body) : undefined);
  const response = new Promise<IncomingMessage>((resolve, reject) => {
    asked.on('response', resolve).on('error', reject);
  });
  const refused = (cause: NodeJS.ErrnoException): never => {
    throw notRunning(path, cause);
  };
  const answer = await response.catch(refused);
  const said = await text(answer).catch(refused);
  const value: unknown = answer.headers['content-type'] === 'application/json' ? JSON.parse(said) : said;
  if (answer.statusCode === 200) return value as T;
  const { error } = (value ?? {}) as { error?: { code: string; message: string; hint?: string } };
  const Refused = answer.statusCode === 400 ? ArgumentRefused : PorticoError;
  throw new Refused(error?.code ?? 'PORTICO_CONTROL_FAILED', { message: error?.message ?? said, hint: error?.hint });
}

function notRunning(path: string, cause: NodeJS.ErrnoException): PorticoError {
  const isAbsent = cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED';
  const isSilent = cause.name === 'AbortError';
  const why = isAbsent
    ? 'nothing listens on it'
    : isSilent
      ? `it has not answered for ${ANSWER_MS / 1000} seconds`
      : cause.message;
  return new PorticoError('PORTICO_NOT_RUNNING', {
    message: `no service answers on ${path}: ${why}`,
    hint: 'Pass the configuration that it was started with (--config-file), or its socket (--socket), which is in its log.',
    cause,
  });
}
