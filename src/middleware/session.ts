/** session: sessions in an encrypted cookie, or in a store of the application, with protection against requests of other sites. */
import { dirname } from 'node:path';
import { type FactoryContext, filterFactory, type OpenApiAdditions, type Session } from '../app/index.js';
import { cookiesOf, exchangeOf, optionOrigin } from '../app/internal.js';
import { ConfigurationRefused } from '../errors/index.js';
import { parseExportReference } from '../modules/index.js';
import { Drivers, type SessionStore } from '../service/internal.js';
import { maskUris } from '../text/index.js';
import { stripIdentity } from './auth/identity.js';
import { refusalAt } from './refusal-at.js';
import { checkSite } from './sessions/cross-site.js';
import { KeptSession } from './sessions/kept-session.js';
import { checkCookie, type SessionOptions, secretsOf, sessionOptions } from './sessions/session-options.js';
import { refuseWithoutUrl, SharedStore, type StoreUse } from './shared-store.js';

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
    const { cookie: name, store: named, refuseCrossSite } = options;
    if (named === undefined) refuseWithoutUrl(ctx, 'session');
    const kept = named === undefined ? { store: undefined, refuses: true } : await storeOf(named, options, ctx);
    const { SessionSeal } = await import('./sessions/session-seal.js');
    const rules = { options, ...kept, seal: new SessionSeal(secrets, [ctx.service, ctx.section.name]) };
    const trusted = new Set(options.trustedOrigins);
    return (app) => (req, res) => {
      if (refuseCrossSite) checkSite(req, trusted);
      const exchange = exchangeOf(req);
      // Not the headers that an outer authenticator has set.
      if (!exchange.identityStripped) stripIdentity(req);
      const own = new KeptSession(rules, req, res);
      exchange.session = own;
      const { cookie } = req.headers;
      const text = cookie?.includes(name) ? cookiesOf(cookie)[name] : undefined;
      const { trial } = exchange;
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

/** Returns the store that a URL or a module names, and whether its failure refuses requests. A module decides that by itself: it may return nothing. */
async function storeOf(
  named: string,
  { timeout, onFailure }: SessionOptions,
  ctx: FactoryContext,
): Promise<{ readonly store: SessionStore; readonly refuses: boolean }> {
  const origin = optionOrigin(ctx, 'session', 'store');
  const refuses = onFailure === 'refuse';
  const use: StoreUse<SessionStore> = {
    among: ({ sessionStores }) => sessionStores,
    kept: 'sessions',
    again: 'keeps the sessions again',
    without: refuses ? 'requests with a session get 503' : 'requests have no session',
  };
  const shared = await SharedStore.open(use, { store: named, timeout }, ctx, origin);
  if (shared !== undefined) {
    const store: SessionStore = {
      get: (id) => shared.ask((each) => each.get(id)),
      set: (...given) => shared.ask((each) => each.set(...given)),
      touch: (...given) => shared.ask((each) => each.touch(...given)),
      delete: (id) => shared.ask((each) => each.delete(id)),
    };
    return { store, refuses };
  }
  if (!namesModule(named)) {
    throw new ConfigurationRefused('PORTICO_STORE', {
      message: 'the store is neither a URL nor a module',
      hint: 'Write redis://user:password@host:6379/0, ./store.js:export, or package/path:export.',
      origin,
    });
  }
  refuseWithoutUrl(ctx, 'session');
  const drivers = new Drivers({ folder: dirname(ctx.section.origin.file), log: ctx.log });
  const loading = drivers.load<SessionStore>(named, { required: ['get', 'set', 'touch', 'delete'] });
  const store = await loading.catch((error: unknown) => {
    throw refusalAt(error, origin);
  });
  ctx.onClose(() => drivers.close());
  return { store, refuses: true };
}

/** Reports whether a text can be the name of a module: what else it may be, such as a URL without its scheme, has a password. */
function namesModule(text: string): boolean {
  const module = parseExportReference(text)?.module ?? '';
  const isFile = /^\.{0,2}\/(?!\/)/.test(module);
  return isFile ? !/:.*@/.test(module) : /^#?(?:@[\w.~-]+\/)?[\w.~-]+(?:\/[\w.~-]+)*$/.test(module);
}

function openapiOf({ cookie, refuseCrossSite }: SessionOptions): OpenApiAdditions {
  const responses = refuseCrossSite && { 403: { description: 'The request comes from another site.' } };
  return {
    security: [{}, { session: [] }],
    securitySchemes: { session: { type: 'apiKey', in: 'cookie', name: cookie } },
    ...(responses && { responses }),
  };
}
