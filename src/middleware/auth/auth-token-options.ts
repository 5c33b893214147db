/**
 * The options of auth_token, in `[auth_token]` or, as in Python services, in `[keystone_authtoken]`; and the options of JSON Web Tokens,
 * in `[jwt]`.
 */
import {
  boolean,
  defineOptions,
  dict,
  duration,
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
import { declareType, InvalidValue, writtenElsewhere } from '../../config/internal.js';
import { nearestNames } from '../../errors/index.js';

/** Option names of `[keystone_authtoken]` in keystonemiddleware and keystoneauth that have no effect here, with a hint for each. */
const REMOVE = 'Remove the line.';
const ACCOUNT = 'Write auth_url, username, password and project_name.';
const URL_PART = 'Write auth_url, the whole address of the identity service.';
const POOL = 'Remove the line: each process caches tokens in memory.';
const LOCAL = 'Remove the line: Keystone no longer has signed tokens (PKI); each token is validated.';

const UNUSED_NAMES: Readonly<Record<string, string>> = {
  auth_version: 'Remove the line: the version of the Identity API is 3.',
  admin_user: 'Write username.',
  admin_password: 'Write password.',
  admin_tenant_name: 'Write project_name.',
  admin_token: ACCOUNT,
  identity_uri: URL_PART,
  auth_host: URL_PART,
  auth_port: URL_PART,
  auth_protocol: URL_PART,
  auth_admin_prefix: URL_PART,
  service_host: REMOVE,
  service_port: REMOVE,
  service_protocol: REMOVE,
  cache: POOL,
  token_cache: POOL,
  memcached_servers: POOL,
  memcache_servers: POOL,
  memcache_security_strategy: POOL,
  memcache_secret_key: POOL,
  memcache_pool_socket_timeout: POOL,
  memcache_pool_dead_retry: POOL,
  memcache_use_advanced_pool: POOL,
  memcache_pool_maxsize: POOL,
  memcache_pool_unused_timeout: POOL,
  memcache_pool_conn_get_timeout: POOL,
  signing_dir: LOCAL,
  hash_algorithms: LOCAL,
  check_revocations_for_cached: LOCAL,
  revocation_cache_time: LOCAL,
  log_name: REMOVE,
  project: REMOVE,
  timeout: 'Write http_connect_timeout.',
  collect_timing: REMOVE,
  split_loggers: REMOVE,
  tcp_keepalive: REMOVE,
};

const DOMAIN = 'write user_domain_id and project_domain_id, or the names of the domains.';

/** Options of keystonemiddleware, each with what holds here. */
const REMOVED_NAMES: Readonly<Record<string, string>> = {
  default_domain_name: DOMAIN,
  default_domain_id: DOMAIN,
  trust_id: 'log in to the project by project_name, or with an application credential.',
};

// The type of the option that names the claims with the identity.

/** The parts of an identity that claims can contain. */
const FIELDS = ['user_id', 'user_name', 'project_id', 'project_name', 'roles'];

const pairs = dict();

/** A map from {@link FIELDS} to claims. Refused without `user_id`, because every token would be refused then. */
const identityClaims = declareType<ReadonlyMap<string, string>, object>('dict', undefined, () => ({
  kind: 'object',
  empty: 'value',
  format: (value) => pairs.format(value),
  parse: (text) => {
    const claims = pairs.parse(text);
    const other = [...claims.keys()].find((name) => !FIELDS.includes(name));
    if (other !== undefined) {
      const [near] = nearestNames(other, FIELDS);
      const hint = near === undefined ? undefined : `did you mean '${near}'?`;
      throw new InvalidValue(`should map ${FIELDS.join(', ')} to claims, not other names`, hint);
    }
    if ((claims.get('user_id') ?? '') !== '') return claims;
    const whole = pairs.format(new Map([['user_id', 'sub'], ...[...claims].filter(([name]) => name !== 'user_id')]));
    throw new InvalidValue(
      'names no claim for user_id, so every token would be refused',
      `write claims = ${whole.replaceAll(',', ', ')}: the value replaces the default`,
    );
  },
}));

/** The account with which the service logs in to the identity service. */
export const accountOptions = defineOptions({
  auth_url: uri({ schemes: ['http', 'https'], help: 'URL of the identity service, with or without /v3.' }),
  auth_type: oneOf(['password', 'v3password', 'v3applicationcredential'], {
    deprecated: ['auth_plugin'],
    help: 'Login of the service. Default: by application credential if one is set, otherwise by password.',
    advanced: true,
  }),
  username: string({ deprecated: ['user_name'], help: 'User the service logs in as.' }),
  user_id: string({ help: 'Id of that user, which needs no user domain.', advanced: true }),
  password: string({ secret: true, help: 'Password of that user.' }),
  user_domain_name: string({ help: 'Domain of that user. Default: the domain with the id "default".' }),
  user_domain_id: string({ help: 'Id of the domain of that user.', advanced: true }),
  project_name: string({ deprecated: ['tenant_name'], help: 'Project the service logs in to.' }),
  project_id: string({
    deprecated: ['tenant_id'],
    help: 'Id of that project, which needs no project domain.',
    advanced: true,
  }),
  project_domain_name: string({ help: 'Domain of that project. Default: the domain with the id "default".' }),
  project_domain_id: string({ help: 'Id of the domain of that project.', advanced: true }),
  system_scope: oneOf(['all'], { help: 'Log in to the whole system instead of a project.', advanced: true }),
  domain_name: string({ help: 'Log in to this domain instead of a project.', advanced: true }),
  domain_id: string({ help: 'Id of that domain.', advanced: true }),
  application_credential_id: string({ help: 'Id of an application credential, in place of user and password.' }),
  application_credential_name: string({
    help: 'Name of an application credential, which also needs the user.',
    advanced: true,
  }),
  application_credential_secret: string({ secret: true, help: 'Secret of the application credential.' }),
});

const validation = defineOptions({
  validator: module({
    default: 'keystone',
    help: 'Validator of tokens: keystone, jwt, static, or yours as module:export.',
  }),
  www_authenticate_uri: uri({
    schemes: ['http', 'https'],
    deprecated: ['auth_uri'],
    help: 'Public URL of the identity service, for callers without a valid token. Default: auth_url.',
  }),
  auth_section: string({ help: 'Section of portico.ini with the account.', advanced: true }),
  interface: oneOf(['internal', 'public', 'admin', 'internalURL', 'publicURL', 'adminURL'], {
    default: 'internal',
    help: 'Catalog interface of the identity service. Without a catalog, auth_url is used.',
    advanced: true,
  }),
  region_name: string({ help: 'Region of the identity service. Default: the first in the catalog.', advanced: true }),
  http_connect_timeout: duration({ default: 5, min: 0.001, help: 'Timeout for each response.', advanced: true }),
  http_request_max_retries: integer({
    default: 3,
    min: 0,
    max: 20,
    help: 'Retries after a failed connection or a timeout, after 0.5, 1, 2 … seconds.',
    advanced: true,
  }),
  cafile: path({ kind: 'file', mustExist: true, help: 'CA certificates to verify the identity service with, as PEM.' }),
  certfile: path({
    kind: 'file',
    mustExist: true,
    help: 'Client certificate of this service, as PEM.',
    advanced: true,
  }),
  keyfile: path({
    kind: 'file',
    mustExist: true,
    mode: 0o640,
    help: 'Private key of certfile, as PEM.',
    advanced: true,
  }),
  insecure: boolean({
    default: false,
    help: 'Accept any certificate of the identity service. A man in the middle can then read tokens.',
  }),
  static_tokens_file: path({
    kind: 'file',
    help: 'JSON file for validator = static: maps tokens to {"user_id": …, "roles": […]}. For development: requires [DEFAULT] debug = true.',
  }),
});

const cache = defineOptions({
  token_cache_time: duration({
    default: 300,
    min: -1,
    help: 'Seconds a valid token is cached, and stays valid if revoked. -1 disables the cache, of invalid tokens too.',
  }),
});

const decision = defineOptions({
  delay_auth_decision: boolean({
    default: false,
    help: 'Pass on requests without a valid token, marked as invalid, for the application to decide.',
  }),
  accept_bearer: boolean({ default: false, help: 'Also accept the token in Authorization: Bearer.' }),
  service_token_roles: list({
    default: ['service'],
    help: 'Roles that each make a token a service token.',
  }),
  service_token_roles_required: boolean({
    default: true,
    help: 'Refuse service tokens without such a role. With false, as in keystonemiddleware, any user passes for a service.',
    advanced: true,
  }),
  enforce_token_bind: oneOf(['disabled', 'permissive', 'strict', 'required', 'x509'], {
    default: 'permissive',
    help: 'Token binding: disabled; permissive ignores unknown kinds; strict refuses them; required demands a binding; x509 one to the client certificate.',
    advanced: true,
  }),
  service_type: string({
    help: 'Service type of this API in the catalog, such as compute. Tokens with access rules require it.',
    advanced: true,
  }),
  include_service_catalog: boolean({
    default: true,
    help: "Request each token's catalog for X-Service-Catalog. With false, responses of the identity service are smaller.",
    advanced: true,
  }),
  set_headers: boolean({ default: true, help: 'Also pass on the identity in headers, such as X-User-Id.' }),
  legacy_headers: boolean({
    default: false,
    help: 'Also set X-User, X-Tenant, X-Tenant-Id, X-Tenant-Name and X-Role.',
    advanced: true,
  }),
});

const all = { ...validation, ...accountOptions, ...decision, ...cache };

export const authTokenOptions = writtenElsewhere(defineOptions(alsoIn('keystone_authtoken', all)), {
  section: 'keystone_authtoken',
  unused: UNUSED_NAMES,
  removed: REMOVED_NAMES,
});

export type AuthTokenOptions = OptionsOf<typeof authTokenOptions>;
export type AccountOptions = OptionsOf<typeof accountOptions>;

/** Signature algorithms. With HS256, HS384 and HS512, anyone who can verify a token can also sign one. */
const ALGORITHMS = 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA HS256 HS384 HS512'.split(' ');

export const jwtOptions = defineOptions({
  issuer: string({
    help: 'Issuer of the tokens: their iss claim. Required unless the API signs its tokens with a secret.',
  }),
  audience: string({
    help: 'Audience of the tokens: their aud claim is or contains it. Required as issuer is.',
  }),
  secret_file: path({
    kind: 'file',
    mode: 0o640,
    help: 'File with the secret of an API that signs its tokens, at least 32 bytes for HS256, relative to the working directory. White space around it is ignored.',
  }),
  secret: string({ secret: true, help: 'Secret in place of secret_file, which keeps it out of the configuration.' }),
  jwks_uri: uri({ schemes: ['http', 'https'], help: "URL of the issuer's JSON Web Key Set." }),
  public_key_file: path({
    kind: 'file',
    aliases: ['jwks_file'],
    help: "File with the issuer's public key as PEM, or its JSON Web Key Set, relative to the working directory.",
  }),
  algorithms: list({
    item: oneOf(ALGORITHMS),
    default: [],
    help: 'Accepted algorithms. Default: HS256 with a secret, otherwise RS256, ES256, EdDSA and PS256.',
  }),
  scheme: string({
    default: 'Bearer',
    regex: /^[\w!#$%&'*+.^`|~-]+$/,
    help: 'Scheme before the token in Authorization, such as Token.',
  }),
  delay_auth_decision: boolean({
    help: 'Pass on requests without a valid token for the application to decide. Default: delay_auth_decision of [auth_token].',
  }),
  typ: string({ help: 'Required typ header, such as at+jwt. Default: any.', advanced: true }),
  clock_skew_s: duration({ default: 30, help: 'Allowed difference between the clocks.' }),
  claims: identityClaims({
    default: 'user_id:sub',
    help: 'Claims with the identity: maps user_id (required), user_name, project_id, project_name and roles to claims, such as roles:realm_access.roles.',
  }),
  required_scope: string({ help: 'Scope that every token must have; others get 403.' }),
  is_revoked: module({
    help: 'Function as module:export that gets the jti of each token and returns whether it is revoked.',
  }),
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
