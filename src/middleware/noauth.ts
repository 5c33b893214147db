/** noauth: accepts every caller as the user that it claims to be. For development and tests, on a loopback address. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  environ,
  type FactoryContext,
  Fault,
  filterFactory,
  type OpenApiAdditions,
  quoteClient,
  RequestContext,
  remoteOf,
} from '../app/index.js';
import { authOptions, connectionAddress, exchangeOf, FIELD, runInRequest } from '../app/internal.js';
import { boolean, defineOptions, type ListenValue, list } from '../config/index.js';
import { type HostMatcher, hostMatcher, hostPattern, isLoopback, type ReadHost, readHost } from '../config/internal.js';
import { ConfigurationRefused, didYouMean } from '../errors/index.js';
import { isFirstWorker } from '../service/internal.js';
import { stripIdentity } from './auth/identity.js';
import { isForwarded } from './headers.js';

const noauthOptions = defineOptions({
  i_know_this_is_open: boolean({
    default: false,
    help: 'Serve other addresses than loopback too. Everyone who reaches them is an administrator.',
  }),
  allowed_hosts: list({
    item: hostPattern(),
    default: [],
    help: 'Hosts to accept in Host besides localhost and loopback addresses, such as dev.example.org or *.example.org.',
  }),
});

const ADMIN_ROLES: readonly string[] = Object.freeze(['admin', 'member']);
const MEMBER_ROLES: readonly string[] = Object.freeze(['member']);
const HOUR_MS = 3_600_000;
const WARNING = 'noauth is on: callers are not authenticated';

/**
 * With `X-Auth-Token: user:project` the caller is that user in that project (default: the user's name), and an administrator if the user
 * is `admin`. A request without a token gets 204 and a token, made from `X-Auth-User` and `X-Auth-Project-Id`.
 *
 * Loads only if `[api] auth_strategy` is `noauth` or `noauth2`. Unless `i_know_this_is_open` is set, it only accepts connections to a
 * loopback address or a Unix socket that no proxy has forwarded. Except on the socket, Host must be a name of this machine, because any
 * website can let its name resolve to a loopback address. Logs a warning at the start and every hour.
 */
export const noauth = filterFactory(
  'noauth',
  noauthOptions,
  (options, ctx) => {
    checkStrategy(ctx);
    if (!options.iKnowThisIsOpen) checkListener(ctx);
    ctx.log.warn(WARNING);
    // One worker logs it for all.
    if (isFirstWorker()) {
      const hourly = setInterval(() => ctx.log.warn(WARNING), HOUR_MS).unref();
      ctx.onClose(() => clearInterval(hourly));
    }

    const isOpen = options.iKnowThisIsOpen;
    const isAllowed = hostMatcher(options.allowedHosts);
    // Almost all requests have the same address and host.
    let goodAddress: string | undefined;
    let goodHost: string | undefined;
    const checkLocal = (req: IncomingMessage): void => {
      const { localAddress } = req.socket;
      const fault = refusal(req, localAddress, isAllowed);
      if (fault !== undefined) throw fault;
      goodAddress = localAddress;
      goodHost = req.headers.host;
    };

    return (app) => (req, res) => {
      const env = exchangeOf(req);
      const { fieldKinds: kinds } = env;
      const identifies = (kinds & (FIELD.IDENTITY | FIELD.UNDERSCORE)) !== 0;
      if (!isOpen) {
        const isOdd = identifies || (kinds & FIELD.FORWARDING) !== 0 || env.forwarded === true;
        if (isOdd || req.socket.localAddress !== goodAddress || env.hostField !== goodHost) checkLocal(req);
      }
      if (identifies) stripIdentity(req);
      const token = env.fieldKinds < 0 ? req.headers['x-auth-token'] : env.tokenField;
      if (typeof token !== 'string' || token === '') {
        if (env.trial?.isUnknown('headers') !== true) return handOutToken(req, res);
        env.trial.assumeCaller('trust the caller that the token names');
        return app(req, res);
      }
      const { userId, projectId } = callerOf(token);
      const isAdmin = userId === 'admin';
      const roles = isAdmin ? ADMIN_ROLES : MEMBER_ROLES;
      env.identity = Object.freeze({ userId, projectId, roles });
      const context = new RequestContext({
        userId,
        projectId,
        roles,
        isAdmin,
        requestId: env.requestId,
        globalRequestId: env.globalRequestId,
        // The address of the connection, because any client can send a header with another one.
        remoteAddress: connectionAddress(req),
        token,
      });
      env.context = context;
      return runInRequest(env, app, req, res);
    };
  },
  { trial: true, openapi: openapiOf },
);

function openapiOf(): OpenApiAdditions {
  return {
    security: [{ token: [] }],
    securitySchemes: { token: { type: 'apiKey', in: 'header', name: 'X-Auth-Token', description: 'user:project' } },
  };
}

function checkStrategy({ config, section }: FactoryContext): void {
  const { authStrategy } = config.group('api', authOptions, { partial: true });
  if (authStrategy === 'noauth' || authStrategy === 'noauth2') return;
  const near = didYouMean(authStrategy, ['noauth', 'noauth2']);
  throw new ConfigurationRefused('PORTICO_NOAUTH_STRATEGY', {
    message: `noauth accepts every request, but [api] auth_strategy is "${authStrategy}"`,
    hint:
      near ??
      'Write auth_strategy = noauth in [api] of portico.ini, for all APIs: each byOption composite then uses its pipeline noauth. Or use another filter.',
    // Reports a misspelled value at its location.
    origin: (near === undefined ? undefined : config.getLocation('api', 'auth_strategy').origin) ?? section.origin,
  });
}

/** Refuses a listener that every request would be refused at. Without a service name, the connections are checked instead. */
function checkListener({ config, section, service }: FactoryContext): void {
  if (service === undefined || !config.has(`api:${service}`, 'listen')) return;
  const { value, location } = config.resolve(`api:${service}`, 'listen');
  const listen = value as ListenValue | string | undefined;
  const host = typeof listen === 'string' ? listen : listen?.kind === 'tcp' ? listen.host : undefined;
  if (host === undefined || isLoopback(host)) return;
  throw new ConfigurationRefused('PORTICO_NOAUTH_OPEN', {
    message: `noauth would admit everyone who can reach ${host}`,
    hint: 'Listen on 127.0.0.1, or write i_know_this_is_open = true in the section of noauth.',
    origin: location.origin ?? section.origin,
  });
}

function callerOf(token: string): { readonly userId: string; readonly projectId: string } {
  const colon = token.indexOf(':');
  const userId = colon < 0 ? token : token.slice(0, colon);
  return { userId, projectId: (colon < 0 ? '' : token.slice(colon + 1)) || userId };
}

/** Returns why a request to this address of the server is refused; undefined for the address of a Unix socket. */
function refusal(req: IncomingMessage, address: string | undefined, isAllowed: HostMatcher): Fault | undefined {
  if (address !== undefined && !isLoopback(address))
    return new Fault(403, { message: 'This service accepts local connections only.' });
  if (isForwarded(exchangeOf(req))) return new Fault(403, { message: 'This service accepts no forwarded requests.' });
  const { host } = req.headers;
  // Browsers do not connect to Unix sockets, and HTTP/1.0 has no Host.
  if (address === undefined || host === undefined || isOwnName(readHost(host), isAllowed)) return undefined;
  const message = `This service accepts requests to this machine only, and ${quoteClient(host)} is not one of its names.`;
  return new Fault(403, { message });
}

/** Reports whether a Host header names this machine. */
function isOwnName(host: ReadHost, isAllowed: HostMatcher): boolean {
  return isLoopback(host.name) || isAllowed(host, 'http');
}

function handOutToken(req: IncomingMessage, res: ServerResponse): void {
  const user = single(req.headers['x-auth-user']) ?? 'admin';
  const project = single(req.headers['x-auth-project-id']) ?? 'admin';
  const { scheme, host = 'localhost' } = remoteOf(req);
  const path = environ(req).scriptName || (req.url ?? '/').split('?', 1)[0]!.replace(/\/$/, '');
  res.statusCode = 204;
  res.setHeader('x-auth-token', `${user}:${project}`);
  res.setHeader('x-server-management-url', `${scheme}://${host}${path}`);
  res.end();
}

function single(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
