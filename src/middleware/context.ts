/** context: builds the request context from the results of outer filters. */
import {
  environ,
  type FactoryContext,
  Fault,
  filterFactory,
  type OpenApiAdditions,
  RequestContext,
  remoteOf,
  type WantedOrder,
} from '../app/index.js';
import { exchangeOf, optionOrigin, runInRequest, unvalidatedToken } from '../app/internal.js';
import { boolean, defineOptions, list, type OptionsOf } from '../config/index.js';
import { ConfigurationRefused } from '../errors/index.js';
import { unauthenticated } from './auth/presented-token.js';
import type {} from './auth-token.js';

const contextOptions = defineOptions({
  require_identity: boolean({ default: true, help: 'Respond with 401 without an authenticated caller.' }),
  require_project: boolean({
    default: false,
    help: 'Respond with 403 to tokens without a project (unscoped, domain or system).',
  }),
  admin_roles: list({ default: ['admin'], help: 'Roles that each make a caller an administrator.' }),
  service_roles: list({ default: ['service'], help: 'Roles that each make a caller a service.' }),
  carry_token: boolean({ default: false, help: 'Include the token in toDict(), and so in remote calls.' }),
});

type ContextOptions = OptionsOf<typeof contextOptions>;

/**
 * Builds `environ(req).context` from the identities of user and service, the request ids and the remote address, and makes it the
 * current context of all asynchronous work of the request.
 */
export const context = filterFactory(
  'context',
  contextOptions,
  (options, ctx) => {
    refuseContradiction(options, ctx);
    const adminRoles = new Set(options.adminRoles);
    const serviceRoles = new Set(options.serviceRoles);
    const isServiceRole = (role: string): boolean => serviceRoles.has(role);

    return (app) => (req, res) => {
      const env = environ(req);
      const { identity, serviceIdentity } = env;
      const isAssumed = exchangeOf(req).trial?.isCallerAssumed === true;
      if (!identity && options.requireIdentity && !isAssumed) {
        if (env.authError === 'unavailable') {
          // auth_token with delay_auth_decision passed the request on, but could not validate its token.
          throw unvalidatedToken();
        }
        throw unauthenticated();
      }
      if (options.requireProject && (identity?.projectId ?? '') === '' && !isAssumed) {
        throw new Fault(403, { message: 'The token has no project. Use a token for a project.' });
      }
      const token = req.headers['x-auth-token'];
      const built = new RequestContext({
        ...identity,
        isAdmin: identity?.roles?.some((role) => adminRoles.has(role)),
        isService: identity?.roles?.some(isServiceRole) === true || serviceIdentity?.roles?.some(isServiceRole),
        serviceUserId: serviceIdentity?.userId,
        serviceUserName: serviceIdentity?.userName,
        serviceProjectId: serviceIdentity?.projectId,
        serviceRoles: serviceIdentity?.roles,
        requestId: env.requestId,
        globalRequestId: env.globalRequestId,
        remoteAddress: remoteOf(req).address,
        token: typeof token === 'string' ? token : undefined,
        carryToken: options.carryToken,
      });
      env.context = built;
      return runInRequest(env, app, req, res);
    };
  },
  { trial: true, order: contextOrder, openapi: openapiOf },
);

/** Refuses options that let requests without a caller reach code that requires a project. */
function refuseContradiction({ requireIdentity, requireProject }: ContextOptions, ctx: FactoryContext): void {
  if (!requireProject || requireIdentity) return;
  throw new ConfigurationRefused('PORTICO_CONFIG_VALUE', {
    message: 'require_project is true, but require_identity = false lets requests without a caller pass',
    hint: 'Remove require_identity = false or require_project = true.',
    origin: optionOrigin(ctx, 'context', 'require_identity'),
  });
}

function contextOrder({ requireIdentity }: ContextOptions): WantedOrder {
  return {
    behind: ['auth_token', 'basic_auth', 'jwt', 'noauth', 'session'],
    why: requireIdentity
      ? 'no caller is known there, and every request gets 401'
      : 'no caller is known there, and no request has one in its context',
    refused: requireIdentity,
  };
}

function openapiOf({ requireIdentity, requireProject }: ContextOptions): OpenApiAdditions | undefined {
  if (!requireIdentity) return undefined;
  const noProject = requireProject && { 403: { description: 'The token has no project.' } };
  return { responses: { 401: { description: 'The request is not authenticated.' }, ...noProject } };
}
