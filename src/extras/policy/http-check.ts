/**
 * The check `http:`: a server decides. It gets the rule, the target and the credentials, and allows with the text `True`.
 */
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { Fault } from 'portico/app';
import type { Config, OptionsOf } from 'portico/config';
import type { Members, Question } from './check.js';
import type { policyOptions } from './policy-options.js';

/** A response longer than this is not `True`. */
const LONGEST_RESPONSE = 1024;

/** Errors of a request on a connection that its server has closed. */
const STALE: ReadonlySet<unknown> = new Set(['ECONNRESET', 'EPIPE']);

/** Returns the function that asks servers. It fails with a Fault, status 503, if a server does not respond in time. */
export function serverAsker(config: Config, options: OptionsOf<typeof policyOptions>): Question['askServer'] {
  const content = (file: string | undefined): Buffer | undefined =>
    file === undefined ? undefined : config.readFile(file);
  const tls = {
    rejectUnauthorized: options.remoteSslVerifyServerCrt,
    ca: content(options.remoteSslCaCrtFile),
    cert: content(options.remoteSslClientCrtFile),
    key: content(options.remoteSslClientKeyFile),
  };
  const type = options.remoteContentType;
  return (url, { asked, target, credentials }) =>
    new Promise<boolean>((resolve, reject) => {
      const fail = (cause: unknown): void =>
        reject(new Fault(503, { message: 'The policy server does not respond.', kind: 'policy', cause }));
      const body = bodyOf(type, { rule: asked, target, credentials });
      const sent = {
        method: 'POST',
        headers: { 'content-type': type, 'content-length': Buffer.byteLength(body) },
        signal: AbortSignal.timeout(options.remoteTimeout * 1000),
      };
      const ask = (): void => {
        const request = url.startsWith('https:') ? requestHttps(url, { ...sent, ...tls }) : requestHttp(url, sent);
        // The server has closed a kept connection meanwhile: a question may be asked again.
        const isStale = (error: Error): boolean => request.reusedSocket && 'code' in error && STALE.has(error.code);
        request.on('error', (error) => {
          if (isStale(error)) attempt();
          else fail(error);
        });
        request.on('response', (response) => {
          let text = '';
          response.setEncoding('utf8').on('error', fail);
          response.on('data', (part: string) => {
            text += part;
            if (text.length > LONGEST_RESPONSE) request.destroy(new Error('the response is too long'));
          });
          response.on('end', () => resolve(text.replace(/^"+|"+$/g, '') === 'True'));
        });
        request.end(body);
      };
      const attempt = (): void => {
        try {
          ask();
        } catch (error) {
          fail(error);
        }
      };
      attempt();
    });
}

function bodyOf(type: string, members: Members): string {
  if (type === 'application/json') return JSON.stringify(members);
  const fields = Object.entries(members).map(([name, value]): [string, string] => [name, JSON.stringify(value)]);
  return new URLSearchParams(fields).toString();
}
