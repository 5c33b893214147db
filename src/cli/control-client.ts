/**
 * Client of a control socket: sends requests to a running service, and reports why one does not respond.
 */
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { PorticoError } from '../errors/index.js';
import { holderOf } from './bound-sockets.js';
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
  return new PorticoError('PORTICO_NOT_RUNNING', {
    message: `no service answers on ${path}: ${whySilent(path, cause)}`,
    hint:
      cause.name === 'AbortError'
        ? undefined
        : 'Pass the configuration that it was started with (--config-file), or its socket (--socket), which is in its log.',
    cause,
  });
}

function whySilent(path: string, { code, name, message }: NodeJS.ErrnoException): string {
  // A service that runs makes its file again within seconds.
  if (code === 'ENOENT') return 'the file does not exist';
  if (code === 'ECONNREFUSED') return 'nothing listens on it';
  if (name !== 'AbortError') return message;
  const { pid, isStopped = false } = holderOf(path) ?? {};
  const who = pid === undefined ? 'it' : `process ${pid} has it, and`;
  const state = isStopped ? `: a signal has stopped it, kill -CONT ${pid} continues it` : '';
  return `${who} has not answered for ${ANSWER_MS / 1000} seconds${state}`;
}
