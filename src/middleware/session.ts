/** session: sessions in an encrypted cookie, or in a store of the application, with protection against requests of other sites. */
import { dirname } from 'node:path';
import { filterFactory, type OpenApiAdditions, type Session } from '../app/index.js';
import { cookiesOf, exchangeOf } from '../app/internal.js';
import { Drivers } from '../service/internal.js';
import { stripIdentity } from './auth/identity.js';
import { refusalAt } from './refusal-at.js';
import { checkSite } from './sessions/cross-site.js';
import { KeptSession, type SessionStore } from './sessions/kept-session.js';
import { checkCookie, type SessionOptions, secretsOf, sessionOptions } from './sessions/session-options.js';

declare module '../app/index.js' {
  interface Environ {
    /** The session of the caller; set by the filter session. */
    session?: Session;
  }
}

/**
 * Sets `environ(req).session`, and the caller of a session as `environ(req).identity`. The cookie is encrypted, `HttpOnly`, and renewed while
 * it is used. Responds with 403 to requests of other sites that can change something.
 */
export const session = filterFactory(
  'session',
  sessionOptions,
  async (options, ctx) => {
    checkCookie(options, ctx);
    const secrets = secretsOf(options, ctx);
    const drivers = new Drivers({ folder: dirname(ctx.section.origin.file), log: ctx.log });
    const { cookie: name, store: named, refuseCrossSite } = options;
    let store: SessionStore | undefined;
    if (named !== undefined) {
      store = await drivers
        .load<SessionStore>(named, { required: ['get', 'set', 'touch', 'delete'] })
        .catch((error: unknown) => {
          throw refusalAt(error, ctx.section.options.get('store')?.origin ?? ctx.section.origin);
        });
      ctx.onClose(() => drivers.close());
    }
    const { SessionSeal } = await import('./sessions/session-seal.js');
    const rules = { options, store, seal: new SessionSeal(secrets, [ctx.service, ctx.section.name]) };
    const trusted = new Set(options.trustedOrigins);
    return (app) => (req, res) => {
      if (refuseCrossSite) checkSite(req, trusted);
      const exchange = exchangeOf(req);
      // Not the headers that an outer authenticator has set.
      if (!exchange.identityStripped) stripIdentity(req);
      const kept = new KeptSession(rules, req, res);
      exchange.session = kept;
      const { cookie } = req.headers;
      const text = cookie?.includes(name) ? cookiesOf(cookie)[name] : undefined;
      const { trial } = exchange;
      const isElsewhere = text !== undefined && store !== undefined;
      if (trial !== undefined && (isElsewhere || trial.isUnknown('headers'))) {
        trial.assumeCaller(`read the session in ${named ?? 'its cookie'}`);
        return app(req, res);
      }
      return text === undefined ? app(req, res) : kept.load(text).then(() => app(req, res));
    };
  },
  { openapi: openapiOf },
);

function openapiOf({ cookie, refuseCrossSite }: SessionOptions): OpenApiAdditions {
  const responses = refuseCrossSite && { 403: { description: 'The request comes from another site.' } };
  return {
    security: [{}, { session: [] }],
    securitySchemes: { session: { type: 'apiKey', in: 'cookie', name: cookie } },
    ...(responses && { responses }),
  };
}
