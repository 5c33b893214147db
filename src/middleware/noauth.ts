/**
 * noauth: believes whoever a caller says to be. For development and tests, on a loopback address.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  authOptions,
  connectionAddress,
  environ,
  type FactoryContext,
  Fault,
  filterFactory,
  RequestContext,
  remoteOf,
  runInContext,
} from '../app/index.js';
import { boolean, defineOptions, type ListenValue } from '../config/index.js';
import { ConfigurationRefused, didYouMean } from '../errors.js';
import { isFirstWorker } from '../service/index.js';
import { systemClock } from '../tasks/index.js';
import { stripIdentity } from './auth/identity.js';
import { isLoopback } from './loopback.js';

export const noauthOptions = defineOptions({
  i_know_this_is_open: boolean({
    default: false,
    help: 'Serves other addresses than loopback too: everybody who reaches them is an administrator.',
  }),
});

const ADMIN_ROLES: readonly string[] = Object.freeze(['admin', 'member']);
const MEMBER_ROLES: readonly string[] = Object.freeze(['member']);
const HOUR_MS = 3_600_000;
const WARNING = 'noauth is on: callers are whoever they say to be';

/**
 * `X-Auth-Token: user:project` is that user in that project (default: the user's name), an administrator if the user is
 * `admin`. A request without token gets 204 and a token, made from `X-Auth-User` and `X-Auth-Project-Id`.
 *
 * Loads only when `[api] auth_strategy` is `noauth` or `noauth2`, and serves only connections to a loopback address
 * or a Unix socket, unless the operator says otherwise. Warns at start and every hour.
 */
export const noauth = filterFactory(
  'noauth',
  noauthOptions,
  (options, ctx) => {
    checkStrategy(ctx);
    if (!options.iKnowThisIsOpen) checkListener(ctx);
    ctx.log.warn(WARNING);
    // As at the start one worker says it for all.
    if (isFirstWorker()) ctx.onClose(hourly(() => ctx.log.warn(WARNING)));

    return (app) => (req, res) => {
      if (!options.iKnowThisIsOpen && !isLoopback(req.socket.localAddress)) {
        throw new Fault(403, { message: 'This service accepts local connections only.' });
      }
      stripIdentity(req);
      const token = req.headers['x-auth-token'];
      if (typeof token !== 'string' || token === '') return handOutToken(req, res);
      const env = environ(req);
      const colon = token.indexOf(':');
      const userId = colon < 0 ? token : token.slice(0, colon);
      const isAdmin = userId === 'admin';
      const context = new RequestContext({
        userId,
        projectId: (colon < 0 ? '' : token.slice(colon + 1)) || userId,
        roles: isAdmin ? ADMIN_ROLES : MEMBER_ROLES,
        isAdmin,
        requestId: env.requestId,
        globalRequestId: env.globalRequestId,
        // The connection's own: a header that says otherwise may be anybody's.
        remoteAddress: connectionAddress(req),
        token,
      });
      env.context = context;
      return runInContext(context, () => app(req, res));
    };
  },
  { trial: true },
);

function checkStrategy({ config, section }: FactoryContext): void {
  const { authStrategy } = config.group('api', authOptions, { partial: true });
  if (authStrategy === 'noauth' || authStrategy === 'noauth2') return;
  const near = didYouMean(authStrategy, ['noauth', 'noauth2']);
  throw new ConfigurationRefused('PORTICO_NOAUTH_STRATEGY', {
    message: `noauth authenticates nobody, and [api] auth_strategy is "${authStrategy}"`,
    hint: near ?? 'Write auth_strategy = noauth in [api] of the service configuration, or take another filter.',
    // A slip of the pen is mended where it stands.
    origin: (near === undefined ? undefined : config.getLocation('api', 'auth_strategy').origin) ?? section.origin,
  });
}

/** Refuses at load what would be refused at every request. Without a service's name the connections tell. */
function checkListener({ config, section, service }: FactoryContext): void {
  if (service === undefined || !config.has(`api:${service}`, 'listen')) return;
  const { value, location } = config.resolve(`api:${service}`, 'listen');
  const listen = value as ListenValue | string | undefined;
  const host = typeof listen === 'string' ? listen : listen?.kind === 'tcp' ? listen.host : undefined;
  if (isLoopback(host)) return;
  throw new ConfigurationRefused('PORTICO_NOAUTH_OPEN', {
    message: `noauth would let everybody in who reaches ${host}`,
    hint: 'Listen on 127.0.0.1, or write i_know_this_is_open = true in the section of noauth.',
    origin: location.origin ?? section.origin,
  });
}

function hourly(act: () => void): () => void {
  let cancel = (): void => undefined;
  const again = (): void => {
    cancel = systemClock.after(
      HOUR_MS,
      () => {
        act();
        again();
      },
      { unref: true },
    );
  };
  again();
  return () => cancel();
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
