/** session: sessions in an encrypted cookie, or in a store of the application, with protection against requests of other sites. */
import { environ, type FactoryContext, filterFactory, type OpenApiAdditions, type Session } from 'portico/app';
import { checkSite, cookiesOf, maskUris, openSharedStore, type SessionStore } from 'portico/extension';
import { stripIdentity } from 'portico/middleware';
import { KeptSession, type SessionRules } from './kept-session.js';
import { checkCookie, type SessionOptions, secretsOf, sessionOptions } from './session-options.js';

declare module 'portico/app' {
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
    const { cookie: name, store: named } = options;
    const kept = await storeOf(options, ctx);
    const { SessionSeal } = await import('./session-seal.js');
    const rules = { options, ...kept, log: ctx.log, seal: new SessionSeal(secrets, [ctx.service, ctx.section.name]) };
    const trusted = new Set(options.trustedOrigins);
    return (app) => (req, res) => {
      checkSite(req, trusted);
      stripIdentity(req, { once: true });
      const env = environ(req);
      const own = new KeptSession(rules, req, res);
      env.session = own;
      const { cookie } = req.headers;
      const text = cookie?.includes(name) ? cookiesOf(cookie)[name] : undefined;
      const { trial } = env;
      const isElsewhere = text !== undefined && named !== undefined;
      if (trial !== undefined && (isElsewhere || trial.isUnknown('headers'))) {
        trial.assumeCaller(`read the session in ${named === undefined ? 'its cookie' : maskUris(named)}`);
        return app(req, res);
      }
      return text === undefined ? app(req, res) : own.load(text).then(() => app(req, res));
    };
  },
  { openapi: openapiOf },
);

/** Returns the store of a filter, if it has one, and whether its failure refuses requests. A module decides that by itself: it may return nothing. */
async function storeOf(options: SessionOptions, ctx: FactoryContext): Promise<Pick<SessionRules, 'store' | 'refuses'>> {
  const refuses = options.onFailure === 'refuse';
  const use = {
    group: 'session',
    part: 'sessionStores',
    methods: ['get', 'set', 'touch', 'delete'],
    kept: 'sessions',
    again: 'keeps the sessions again',
    without: refuses ? 'requests with a session get 503' : 'requests have no session',
  } as const;
  const opened = await openSharedStore<SessionStore>(use, options, ctx);
  if (opened === undefined) return { store: undefined, refuses: true };
  const store: SessionStore = {
    get: (id) => opened.ask((each) => each.get(id)),
    set: (...given) => opened.ask((each) => each.set(...given)),
    touch: (...given) => opened.ask((each) => each.touch(...given)),
    delete: (id) => opened.ask((each) => each.delete(id)),
  };
  return { store, refuses: refuses || !opened.isShared };
}

function openapiOf({ cookie }: SessionOptions): OpenApiAdditions {
  return {
    security: [{}, { session: [] }],
    securitySchemes: { session: { type: 'apiKey', in: 'cookie', name: cookie } },
    responses: { 403: { description: 'The request comes from another site.' } },
  };
}
