/**
 * The options of JSON Web Tokens: `[jwt]`.
 */
import {
  defineOptions,
  dict,
  duration,
  integer,
  list,
  module,
  type OptionsOf,
  oneOf,
  path,
  string,
  uri,
} from '../../config/index.js';

/** Signatures that a public key checks. With HMAC, whoever can check a token could make one. */
const ALGORITHMS = 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA'.split(' ');

export const jwtOptions = defineOptions({
  issuer: string({ required: true, help: 'Who makes the tokens: their iss is exactly this.' }),
  audience: string({ required: true, help: 'For whom they are made: their aud is this or has it.' }),
  jwks_uri: uri({ schemes: ['http', 'https'], help: 'Where the issuer publishes its keys.' }),
  jwks_file: path({ kind: 'file', help: 'A file with its keys, as a JSON Web Key Set.' }),
  public_key_file: path({ kind: 'file', help: 'A file with its one key, as PEM.' }),
  algorithms: list({
    item: oneOf(ALGORITHMS),
    default: ['RS256', 'ES256', 'EdDSA', 'PS256'],
    help: 'The signatures accepted.',
  }),
  typ: string({ help: 'What the header typ has to be, such as at+jwt. Default: anything.' }),
  clock_skew_s: duration({ default: 30, help: 'How far the clocks may be apart, in seconds.' }),
  claims: dict({
    default: 'user_id:sub',
    help: 'Where in a token the identity is: user_id, user_name, project_id, project_name, roles to claims, such as roles:realm_access.roles.',
  }),
  required_scope: string({ help: 'A scope every token must have; others get 403.' }),
  is_revoked: module({ help: 'module:export of a function that is asked with the jti of every token.' }),
  jwks_cooldown_s: duration({
    default: 30,
    help: 'How long after reading the keys they are not read again for an unknown one.',
  }),
  jwks_max_age_s: duration({ default: 600, help: 'How long the keys count before they are read again.' }),
  jwks_stale_s: duration({ default: 3600, help: 'How much longer they count while they cannot be read.' }),
  jwks_timeout_ms: integer({ default: 5000, min: 1, help: 'How long reading them may take, in milliseconds.' }),
});

export type JwtOptions = OptionsOf<typeof jwtOptions>;
