/**
 * The options of auth_token, in `[auth_token]` or, as in Python services, in `[keystone_authtoken]`; and the options of JSON Web Tokens,
 * in `[jwt]`.
 */
import {
  boolean,
  defineOptions,
  duration,
  hostport,
  integer,
  list,
  module,
  type OptionDeclarations,
  type OptionsOf,
  oneOf,
  path,
  string,
  uri,
} from '../../config/index.js';
import { writtenElsewhere } from '../../config/internal.js';
import { identityClaims } from './identity-claims.js';
import { UNUSED_NAMES } from './unused-names.js';

/** The account with which the service logs in to the identity service. */
export const accountOptions = defineOptions({
  auth_url: uri({ schemes: ['http', 'https'], help: 'URL of the identity service, with or without /v3.' }),
  auth_version: oneOf(['3', '3.0', 'v3', 'v3.0'], {
    help: 'Version of the Identity API. Only version 3 is supported.',
    advanced: true,
  }),
  auth_type: oneOf(['password', 'v3password', 'v3applicationcredential'], {
    deprecated: ['auth_plugin'],
    help: 'How the service logs in. Default: with an application credential if one is set, otherwise with a password.',
  }),
  username: string({ deprecated: ['user_name'], help: 'The user the service logs in as.' }),
  user_id: string({ help: 'The id of that user. No user domain is needed with it.', advanced: true }),
  password: string({ secret: true, help: 'The password of that user.' }),
  user_domain_name: string({ help: 'The domain of that user. Default: the domain with the id "default".' }),
  user_domain_id: string({ help: 'The id of the domain of that user.', advanced: true }),
  project_name: string({ deprecated: ['tenant_name'], help: 'The project the service logs in to.' }),
  project_id: string({
    deprecated: ['tenant_id'],
    help: 'The id of that project. No project domain is needed with it.',
    advanced: true,
  }),
  project_domain_name: string({ help: 'The domain of that project. Default: the domain with the id "default".' }),
  project_domain_id: string({ help: 'The id of the domain of that project.', advanced: true }),
  default_domain_name: string({
    help: 'The domain of the user and the project, if theirs is not set.',
    advanced: true,
  }),
  default_domain_id: string({ help: 'The id of that default domain.', advanced: true }),
  system_scope: oneOf(['all'], { help: 'Log in to the whole system instead of a project.' }),
  domain_name: string({ help: 'Log in to this domain instead of a project.', advanced: true }),
  domain_id: string({ help: 'The id of that domain.', advanced: true }),
  trust_id: string({ help: 'Log in to the project of this trust.', advanced: true }),
  application_credential_id: string({ help: 'Id of an application credential, used instead of user and password.' }),
  application_credential_name: string({
    help: 'Name of an application credential. It also needs the user.',
    advanced: true,
  }),
  application_credential_secret: string({ secret: true, help: 'The secret of the application credential.' }),
});

const validation = defineOptions({
  validator: module({
    default: 'keystone',
    help: 'What validates tokens: keystone, jwt, static, or your own validator as module:export.',
  }),
  www_authenticate_uri: uri({
    schemes: ['http', 'https'],
    deprecated: ['auth_uri'],
    help: 'Public URL of the identity service, sent to callers without a valid token. Default: auth_url.',
  }),
  auth_section: string({ help: 'Read the account from this section of portico.ini instead.' }),
  interface: oneOf(['internal', 'public', 'admin', 'internalURL', 'publicURL', 'adminURL'], {
    default: 'internal',
    help: 'The catalog interface of the identity service to use. Without a catalog, auth_url is used.',
  }),
  region_name: string({ help: 'The region of the identity service to use. Default: the first one in the catalog.' }),
  http_connect_timeout: duration({ default: 5, min: 0.001, help: 'Timeout for each response, in seconds.' }),
  http_request_max_retries: integer({
    default: 3,
    min: 0,
    max: 20,
    help: 'Number of retries after a failed connection or a timeout, after 0.5, 1, 2 … seconds.',
  }),
  cafile: path({ kind: 'file', mustExist: true, help: 'CA certificates to verify the identity service with, as PEM.' }),
  certfile: path({ kind: 'file', mustExist: true, help: 'Client certificate of this service, as PEM.' }),
  keyfile: path({ kind: 'file', mustExist: true, mode: 0o640, help: 'Private key of certfile, as PEM.' }),
  insecure: boolean({
    default: false,
    help: 'Accept any certificate of the identity service. A man in the middle can then read the tokens.',
  }),
  static_tokens_file: path({
    kind: 'file',
    help: 'For validator = static: a JSON file that maps tokens to {"user_id": …, "roles": […]}. For development only; requires [DEFAULT] debug = true.',
  }),
});

const cache = defineOptions({
  token_cache_time: duration({
    default: 300,
    min: -1,
    help: 'How long a valid token is cached, in seconds. A revoked token stays valid for this long. -1 disables the cache.',
  }),
  memcached_servers: list({
    item: hostport(),
    default: [],
    deprecated: ['memcache_servers'],
    help: 'Also cache valid tokens in memcached, in the format of keystonemiddleware: host:port of each server, in the same order everywhere. Requires the memjs package.',
  }),
  memcached_timeout: duration({
    default: 1,
    min: 0.001,
    aliases: ['memcache_pool_socket_timeout'],
    help: 'Timeout of memcached, in seconds. After it, the identity service is asked.',
  }),
  memcached_dead_retry: duration({
    default: 300,
    aliases: ['memcache_pool_dead_retry'],
    help: 'How long a memcached server that did not respond is skipped, in seconds.',
  }),
  token_cache_max_entries: integer({ default: 10_000, min: 1, help: 'Maximum number of cached tokens.' }),
  cache_security: oneOf(['none', 'mac', 'encrypt'], {
    default: 'none',
    ignoreCase: true,
    aliases: ['memcache_security_strategy'],
    help: 'mac signs tokens in memcached with cache_secret_key, encrypt also encrypts them. Both mix the key into the cache keys, which are hashes of tokens.',
  }),
  cache_secret_key: string({
    secret: true,
    aliases: ['memcache_secret_key'],
    help: 'The key for cache_security. It must be the same in all services that share a memcached server.',
  }),
  negative_cache_time: duration({
    default: 5,
    help: 'How long an invalid token is cached and refused, in seconds. At most 1000 are cached.',
  }),
});

const decision = defineOptions({
  delay_auth_decision: boolean({
    default: false,
    help: 'Pass on requests without a valid token, marked as invalid, and let the application decide.',
  }),
  accept_bearer: boolean({ default: false, help: 'Also accept the token in Authorization: Bearer.' }),
  service_token_roles: list({
    default: ['service'],
    help: 'A token with any of these roles is accepted as a service token.',
  }),
  service_token_roles_required: boolean({
    default: true,
    help: 'Refuse service tokens without such a role. With false, the default of keystonemiddleware, any user can pass for a service.',
  }),
  enforce_token_bind: oneOf(['disabled', 'permissive', 'strict', 'required', 'x509'], {
    default: 'permissive',
    help: 'How token binding is enforced: permissive ignores unknown kinds of binding, strict refuses them, required refuses tokens without a binding, x509 requires a binding to the client certificate.',
  }),
  service_type: string({
    help: 'The service type of this API in the catalog, such as compute. Tokens with access rules require it.',
  }),
  include_service_catalog: boolean({
    default: true,
    help: 'Request the catalog of each token and pass it on in X-Service-Catalog. With false, the responses of the identity service are smaller.',
  }),
  set_headers: boolean({ default: true, help: 'Also pass on the identity in request headers, such as X-User-Id.' }),
  legacy_headers: boolean({
    default: false,
    help: 'Also set X-User, X-Tenant, X-Tenant-Id, X-Tenant-Name and X-Role.',
  }),
  extra_strip: list({ default: [], help: 'Additional request headers to remove, because clients must not send them.' }),
  config_group: string({ help: 'Read these options from this section of portico.ini instead.' }),
});

const all = { ...validation, ...accountOptions, ...decision, ...cache };

/** The options without their aliases in `[keystone_authtoken]`, for the section that `config_group` names. */
export const unaliasedAuthTokenOptions = writtenElsewhere(defineOptions(all), { unused: UNUSED_NAMES });
export const authTokenOptions = writtenElsewhere(defineOptions(alsoIn('keystone_authtoken', all)), {
  section: 'keystone_authtoken',
  unused: UNUSED_NAMES,
});

export type AuthTokenOptions = OptionsOf<typeof authTokenOptions>;
export type AccountOptions = OptionsOf<typeof accountOptions>;

/** Signature algorithms. With HS256, HS384 and HS512, anyone who can verify a token can also sign one. */
const ALGORITHMS = 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA HS256 HS384 HS512'.split(' ');

export const jwtOptions = defineOptions({
  issuer: string({
    help: 'Issuer of the tokens: their iss claim must equal this. Required unless the API signs its tokens itself with a secret.',
  }),
  audience: string({
    help: 'Audience of the tokens: their aud claim must be or contain this. Required unless the API signs its tokens itself.',
  }),
  secret_file: path({
    kind: 'file',
    mode: 0o640,
    help: 'File with the secret of an API that signs its tokens itself. At least 32 bytes for HS256 (RFC 7518 §3.2); white space around a text is ignored, a file that is not UTF-8 is used as it is. A relative path starts in the working directory.',
  }),
  secret: string({ secret: true, help: 'The secret itself. Use secret_file to keep it out of the configuration.' }),
  jwks_uri: uri({ schemes: ['http', 'https'], help: "URL of the issuer's keys, a JSON Web Key Set." }),
  jwks_file: path({
    kind: 'file',
    help: "File with the issuer's keys, as a JSON Web Key Set. A relative path starts in the working directory.",
  }),
  public_key_file: path({
    kind: 'file',
    help: "File with the issuer's public key, as PEM. A relative path starts in the working directory.",
  }),
  algorithms: list({
    item: oneOf(ALGORITHMS),
    default: [],
    help: 'Accepted signature algorithms. Default: HS256 with a secret, otherwise RS256, ES256, EdDSA and PS256.',
  }),
  scheme: string({
    default: 'Bearer',
    regex: /^[\w!#$%&'*+.^`|~-]+$/,
    help: 'The scheme before the token in the Authorization header, such as Bearer or Token.',
  }),
  delay_auth_decision: boolean({
    help: 'Pass on requests without a valid token and let the application decide. Default: delay_auth_decision of [auth_token], or false.',
  }),
  typ: string({ help: 'Required value of the typ header, such as at+jwt. Default: any.' }),
  clock_skew_s: duration({ default: 30, help: 'Allowed difference between the clocks, in seconds.' }),
  claims: identityClaims({
    default: 'user_id:sub',
    help: 'The claims that contain the identity: maps user_id, user_name, project_id, project_name and roles to claims, such as roles:realm_access.roles. user_id is required.',
  }),
  required_scope: string({ help: 'The scope that every token must have. Other tokens are answered with 403.' }),
  is_revoked: module({
    help: 'A function, as module:export, that receives the jti of every token and returns whether the token is revoked.',
  }),
  jwks_cooldown_s: duration({
    default: 30,
    help: 'How long the keys are not fetched again because of an unknown key, in seconds.',
  }),
  jwks_max_age_s: duration({ default: 600, help: 'How long the keys are cached, in seconds.' }),
  jwks_stale_s: duration({
    default: 3600,
    help: 'How much longer cached keys are used if they cannot be fetched, in seconds.',
  }),
  jwks_timeout_ms: integer({ default: 5000, min: 1, help: 'Timeout for fetching the keys, in milliseconds.' }),
});

export type JwtOptions = OptionsOf<typeof jwtOptions>;

/** Returns the same options with aliases in another section. */
function alsoIn<D extends OptionDeclarations>(group: string, options: D): D {
  const aliased = Object.entries(options).map(([name, option]) => {
    const aliases = [...option.aliases, ...[name, ...option.aliases].map((each) => `${group}.${each}`)];
    const deprecated = option.deprecated.flatMap((old) => [old, `${group}.${old}`]);
    return [name, Object.freeze({ ...option, aliases, deprecated, spec: { ...option.spec, aliases, deprecated } })];
  });
  return Object.fromEntries(aliased) as D;
}
