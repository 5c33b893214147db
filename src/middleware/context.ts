/**
 * context: the request's context, from what the filters further out have found.
 */
import { type Description, environ, Fault, filterFactory, RequestContext, remoteOf } from '../app/index.js';
import { runInRequest } from '../app/internal.js';
import { boolean, defineOptions, list, type OptionsOf } from '../config/index.js';
import type {} from './auth/identity.js';

const contextOptions = defineOptions({
  require_identity: boolean({ default: true, help: 'Refuses a request without an authenticated caller, with 401.' }),
  admin_roles: list({ default: ['admin'], help: 'Roles any of which makes the caller an administrator.' }),
  service_roles: list({ default: ['service'], help: 'Roles any of which marks the caller as another service.' }),
  carry_token: boolean({ default: false, help: 'Lets toDict(), and so remote calls, have the token.' }),
});

/**
 * Builds `environ(req).context` from identity, request ids and remote address, and makes it the current context of all
 * that the request sets off.
 */
export const context = filterFactory(
  'context',
  contextOptions,
  (options) => {
    const adminRoles = new Set(options.adminRoles);
    const serviceRoles = new Set(options.serviceRoles);

    return (app) => (req, res) => {
      const env = environ(req);
      const { identity } = env;
      if (identity === undefined && options.requireIdentity) {
        throw new Fault(401, { message: 'The request requires authentication.' });
      }
      const token = req.headers['x-auth-token'];
      const built = new RequestContext({
        ...identity,
        isAdmin: identity?.roles?.some((role) => adminRoles.has(role)),
        isService: identity?.roles?.some((role) => serviceRoles.has(role)),
        requestId: env.requestId,
        globalRequestId: env.globalRequestId,
        remoteAddress: remoteOf(req).address,
        token: typeof token === 'string' ? token : undefined,
        carryToken: options.carryToken,
      });
      env.context = built;
      return runInRequest(env, () => app(req, res));
    };
  },
  { describe },
);

function describe({ requireIdentity }: OptionsOf<typeof contextOptions>): Description {
  if (!requireIdentity) return { does: "builds the request's context" };
  const does = "builds the request's context; answers 401 where no filter further out has found out who calls";
  return {
    does,
    answers: 'perhaps',
    openapi: { responses: { 401: { description: 'The request is not authenticated.' } } },
  };
}
