/** Descriptions of the filters auth_token and jwt. */
import type { IncomingMessage } from 'node:http';
import type { Description } from '../../app/index.js';
import type { AuthTokenOptions, JwtOptions } from './auth-token-options.js';
import { behindScheme, userTokenOf } from './presented-token.js';

/** Returns the `Authorization` scheme that carries a token; undefined if that header is not read. */
export function schemeOf({ acceptBearer }: AuthTokenOptions, jwt: JwtOptions | undefined): string | undefined {
  return jwt?.scheme ?? (acceptBearer ? 'Bearer' : undefined);
}

/** Returns the description of a filter with these options, for one request or for all. */
export function describeOptions(
  req: IncomingMessage | undefined,
  options: AuthTokenOptions,
  jwt?: JwtOptions,
): Description {
  const scheme = schemeOf(options, jwt);
  const scope = jwt?.requiredScope;
  const schemes: [string, object][] = [['token', { type: 'apiKey', in: 'header', name: 'X-Auth-Token' }]];
  if (scheme !== undefined) schemes.push(documentedScheme(scheme));
  const securitySchemes = Object.fromEntries(schemes);
  const security = schemes.map(([name]) => ({ [name]: [] }));
  if (options.delayAuthDecision) {
    return {
      does: `validates the token with ${options.validator}, and lets the application decide`,
      openapi: { security: [{}, ...security], securitySchemes },
    };
  }
  if (req !== undefined && userTokenOf(req, scheme === undefined ? undefined : behindScheme(scheme)) === undefined) {
    return {
      does: `answers 401: the request has no ${scheme === undefined ? 'X-Auth-Token' : 'token'}`,
      answers: 401,
    };
  }
  const lacks = scope === undefined ? '' : `, 403 without the scope ${scope}`;
  return {
    does: `validates the token with ${options.validator}; answers 401 if it is not valid${lacks}, 503 if it cannot be validated`,
    answers: 'perhaps',
    openapi: {
      security,
      securitySchemes,
      responses: {
        401: { description: 'The token is missing or not valid.' },
        ...(scope === undefined ? {} : { 403: { description: `The token does not have the scope ${scope}.` } }),
        503: { description: 'The token cannot be validated at the moment.' },
      },
    },
  };
}

/** Returns a scheme in OpenAPI 3.1. The type `http` only covers registered schemes (RFC 9110 §16.4.1). */
function documentedScheme(scheme: string): [name: string, scheme: object] {
  if (scheme.toLowerCase() === 'bearer') return ['bearer', { type: 'http', scheme: 'bearer' }];
  return [
    scheme.toLowerCase(),
    { type: 'apiKey', in: 'header', name: 'Authorization', description: `${scheme}, a space, and the token.` },
  ];
}
