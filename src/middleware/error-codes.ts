/** The error codes of this directory, for docs/reference/errors.md. */
import type { ErrorCodes } from '../errors/index.js';

export const errorCodes: ErrorCodes = {
  PORTICO_AUTH_TOKEN_ACCOUNT: {
    cause: 'The validator keystone lacks `www_authenticate_uri`, `auth_url` or an account.',
    remedy: 'Set what the message names in `[auth_token]`.',
  },
  PORTICO_AUTH_TOKEN_CAFILE: {
    cause: '`cafile` holds no certificate, or cannot be read.',
    remedy: 'Name a file with certificates in PEM form.',
  },
  PORTICO_CORS_ORIGIN: {
    cause: 'An `allowed_origin` is no origin, or `*` stands beside credentials.',
    remedy: 'Write `scheme://host:port`, without a path.',
  },
  PORTICO_DEBUG_OFF: {
    cause: 'The filter `debug`, or the validator static, is used without `[DEFAULT] debug`.',
    remedy: 'Set `[DEFAULT] debug`, or remove it: it shows secrets.',
  },
  PORTICO_DOCUMENT_ROOT: {
    cause: 'The folder of `static_files` does not exist.',
    remedy: 'Correct `document_root`.',
  },
  PORTICO_HEALTHCHECK_BACKENDS: {
    cause: 'Two plugins of `healthcheck` exclude each other.',
    remedy: 'Keep one of the two in `backends`.',
  },
  PORTICO_JWT_KEYS: {
    cause: 'The file with the keys for tokens cannot be read.',
    remedy: 'Name a JSON Web Key Set in `jwks_file`, or a PEM file in `public_key_file`.',
  },
  PORTICO_NOAUTH_OPEN: {
    cause: '`noauth` would let in all who reach an address that is not loopback.',
    remedy: 'Listen on `127.0.0.1`, or take another filter.',
  },
  PORTICO_NOAUTH_STRATEGY: {
    cause: '`noauth` is in a pipeline, and `[api] auth_strategy` is not `noauth`.',
    remedy: 'Set `[api] auth_strategy`, or take another filter.',
  },
  PORTICO_RATE_RULE: {
    cause: 'A rule of `rate_limit` cannot be read.',
    remedy: 'Write `name key rate burst [methods] [path]`.',
  },
  PORTICO_STATIC_TOKENS: {
    cause: 'The file of the validator static is missing or malformed.',
    remedy: 'Write the JSON object that the message shows.',
  },
  PORTICO_TOKEN_CACHE: {
    cause: '`token_cache` is not `memory`, or `cache_security` has no key.',
    remedy: 'Set `token_cache = memory`; give the key.',
  },
  PORTICO_USER_FILE: {
    cause: 'The user file of `basic_auth` is missing or malformed.',
    remedy: 'Make it with `htpasswd -B`.',
  },
  PORTICO_VALIDATOR_UNAVAILABLE: {
    cause: 'A validator cannot judge a token now; clients get 503.',
    remedy: 'Look at the identity service, and at the log for the reason.',
  },
};
