/** Options of the filter session, and the errors that they can have together. */
import type { FactoryContext } from 'portico/app';
import { boolean, defineOptions, duration, list, type OptionsOf, oneOf, path, string } from 'portico/config';
import { ConfigurationRefused, optionOrigin } from 'portico/extension';

/** Browsers keep cookies for at most 400 days. */
const LONGEST_S = 34_560_000;

export const sessionOptions = defineOptions('session', {
  secrets: list({
    default: [],
    secret: true,
    help: 'Secrets of at least 32 bytes. The first encrypts, all decrypt.',
  }),
  secrets_file: path({ kind: 'file', mode: 0o640, help: 'File with the secrets, one a line, in place of secrets.' }),
  cookie: string({ default: 'session', regex: /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, help: 'Name of the cookie.' }),
  life_s: duration({
    default: 86_400,
    min: 1,
    max: LONGEST_S,
    help: 'Time a session is kept after its last request.',
  }),
  longest_life_s: duration({
    default: 2_592_000,
    min: 0,
    max: LONGEST_S,
    help: 'Time a session is kept at most. 0: no limit.',
  }),
  secure: boolean({ default: true, help: 'Send the cookie over HTTPS only. false is for development.' }),
  same_site: oneOf(['lax', 'strict', 'none'], {
    default: 'lax',
    help: 'Requests of other sites that carry the cookie: lax, followed links; strict, none; none, all.',
  }),
  domain: string({
    regex: /^[\w.-]+$/,
    help: 'Domain whose hosts get the cookie. Default: only the host that set it.',
  }),
  store: string({
    secret: true,
    help: 'Store of the data, such as redis://user:password@host:6379/0 or ./store.js:sessions. Default: the cookie.',
  }),
  timeout: duration({ default: 50, unit: 'ms', min: 1, help: 'Longest wait for a response of a store with a URL.' }),
  on_failure: oneOf(['anonymous', 'refuse'], {
    default: 'anonymous',
    help: 'While a store with a URL fails: anonymous, requests have no session; refuse, those with a session get 503.',
  }),
  trusted_origins: list({
    default: [],
    help: 'Other origins that may send changing requests and open WebSockets, such as https://app.example.com. All others get 403 (CSRF).',
  }),
});

export type SessionOptions = OptionsOf<typeof sessionOptions>;

/** Fewest bytes of a secret. */
const FEWEST_BYTES = 32;

/** Returns the secrets. Throws `PORTICO_SESSION_SECRET`; no message contains any part of one. */
export function secretsOf({ secrets, secretsFile }: SessionOptions, ctx: FactoryContext): readonly string[] {
  const option = secretsFile === undefined ? 'secrets' : 'secrets_file';
  const refuse = (message: string, cause?: unknown): never => {
    throw new ConfigurationRefused('PORTICO_SESSION_SECRET', {
      message,
      hint: 'Generate one with openssl rand -base64 48.',
      origin: optionOrigin(ctx, 'session', option),
      cause,
    });
  };
  if (secretsFile !== undefined && secrets.length > 0)
    refuse('both secrets and secrets_file are set: remove one of them');
  let all: readonly string[] = secrets;
  if (secretsFile !== undefined) {
    try {
      all = ctx.config.readFile(secretsFile).toString().split('\n');
    } catch (cause) {
      refuse(`the secrets cannot be read from ${secretsFile}: ${(cause as Error).message}`, cause);
    }
  }
  const given = all.map((secret) => secret.trim()).filter((secret) => secret !== '');
  if (given.length === 0) refuse('the filter session has no secret');
  const short = given.findIndex((secret) => Buffer.byteLength(secret) < FEWEST_BYTES);
  if (short >= 0) refuse(`secret ${short + 1} of the filter session is shorter than ${FEWEST_BYTES} bytes`);
  return given;
}

/** Refuses cookies that browsers ignore. */
export function checkCookie({ cookie, secure, sameSite, domain }: SessionOptions, ctx: FactoryContext): void {
  const refuse = (option: string, message: string, hint: string): never => {
    throw new ConfigurationRefused('PORTICO_CONFIG_VALUE', {
      message,
      hint,
      origin: optionOrigin(ctx, 'session', option),
    });
  };
  if (sameSite === 'none' && !secure) {
    refuse('same_site', 'browsers ignore a cookie with same_site = none and secure = false', 'Remove secure = false.');
  }
  // Browsers compare the prefixes without regard to case (RFC 6265bis §5.7).
  const prefix = /^__(?:Host|Secure|Http)-/i.exec(cookie)?.[0].toLowerCase();
  if (prefix === undefined) return;
  const isHost = prefix === '__host-';
  if (!secure || (isHost && domain !== undefined)) {
    const needs = isHost ? 'secure = true and no domain' : 'secure = true';
    refuse('cookie', `browsers ignore a cookie called ${cookie} without ${needs}`, 'Change them, or the name.');
  }
}
