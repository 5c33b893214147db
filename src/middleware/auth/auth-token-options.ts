/**
 * The options of auth_token: `[auth_token]`, and `[keystone_authtoken]` with the same meaning, as services in Python have it;
 * and those of JSON Web Tokens: `[jwt]`.
 */
import {
  boolean,
  defineOptions,
  dict,
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
import { UNUSED_NAMES } from './unused-names.js';

/** The service's own account, with which it asks the identity service. */
export const accountOptions = defineOptions({
  auth_url: uri({ schemes: ['http', 'https'], help: 'Where the identity service is, with or without /v3.' }),
  auth_version: oneOf(['3', '3.0', 'v3', 'v3.0'], {
    help: 'The version of the Identity API. There is no other than 3.',
    advanced: true,
  }),
  auth_type: oneOf(['password', 'v3password', 'v3applicationcredential'], {
    deprecated: ['auth_plugin'],
    help: 'How the service logs in. Default: with the application credential if there is one, else with a password.',
  }),
  username: string({ deprecated: ['user_name'], help: 'The user the service logs in as.' }),
  user_id: string({ help: 'The same by id; then no domain is needed.', advanced: true }),
  password: string({ secret: true, help: 'The password of that user.' }),
  user_domain_name: string({ help: 'The domain of that user. Without one: the domain with the id "default".' }),
  user_domain_id: string({ help: 'The same by id.', advanced: true }),
  project_name: string({ deprecated: ['tenant_name'], help: 'The project the service logs in to.' }),
  project_id: string({
    deprecated: ['tenant_id'],
    help: 'The same by id; then no domain is needed.',
    advanced: true,
  }),
  project_domain_name: string({ help: 'The domain of that project. Without one: the domain with the id "default".' }),
  project_domain_id: string({ help: 'The same by id.', advanced: true }),
  default_domain_name: string({ help: 'The domain of user and project where theirs is not set.', advanced: true }),
  default_domain_id: string({ help: 'The same by id.', advanced: true }),
  system_scope: oneOf(['all'], { help: 'Logs in to the whole system, and to no project.' }),
  domain_name: string({ help: 'Logs in to this domain, and to no project.', advanced: true }),
  domain_id: string({ help: 'The same by id.', advanced: true }),
  trust_id: string({ help: 'Logs in by this trust, to its project.', advanced: true }),
  application_credential_id: string({ help: 'An application credential in the place of user and password.' }),
  application_credential_name: string({ help: 'The same by name; then the user is needed.', advanced: true }),
  application_credential_secret: string({ secret: true, help: 'The secret that belongs to it.' }),
});

const validation = defineOptions({
  validator: module({
    default: 'keystone',
    help: 'Who says what a token is worth: keystone, jwt or static, or module:export for one of your own.',
  }),
  www_authenticate_uri: uri({
    schemes: ['http', 'https'],
    deprecated: ['auth_uri'],
    help: 'The public address of the identity service: what callers without a valid token are told. Default: auth_url.',
  }),
  auth_section: string({ help: 'Reads the account from this section of the service configuration instead.' }),
  interface: oneOf(['internal', 'public', 'admin', 'internalURL', 'publicURL', 'adminURL'], {
    default: 'internal',
    help: 'Which address of the identity service in the catalog is asked; without a catalog it is auth_url.',
  }),
  region_name: string({ help: 'The region whose identity service is asked. Default: the first in the catalog.' }),
  http_connect_timeout: duration({ default: 5, min: 0.001, help: 'How long one answer may take, in seconds.' }),
  http_request_max_retries: integer({
    default: 3,
    min: 0,
    max: 20,
    help: 'How often a connection that failed or gave no answer in time is tried again, after 0.5, 1, 2 … seconds.',
  }),
  cafile: path({ kind: 'file', mustExist: true, help: 'Authorities that may vouch for the identity service, as PEM.' }),
  certfile: path({ kind: 'file', mustExist: true, help: 'The certificate this service shows, as PEM.' }),
  keyfile: path({ kind: 'file', mustExist: true, mode: 0o640, help: 'Its private key, as PEM.' }),
  insecure: boolean({
    default: false,
    help: 'Accepts any certificate of the identity service: a machine in between can read the tokens.',
  }),
  static_tokens_file: path({
    kind: 'file',
    help: 'For static: a JSON object, tokens to {"user_id": …, "roles": […]}. For development; needs [DEFAULT] debug = true.',
  }),
});

const cache = defineOptions({
  token_cache_time: duration({
    default: 300,
    min: -1,
    help: 'How long a valid token is believed without asking again, in seconds: also one that was revoked. -1: never.',
  }),
  memcached_servers: list({
    item: hostport(),
    default: [],
    deprecated: ['memcache_servers'],
    help: 'Keeps valid tokens in memcached too, in the form of keystonemiddleware: host:port of each server, in the same order everywhere. Needs the package memjs.',
  }),
  memcached_timeout: duration({
    default: 1,
    min: 0.001,
    aliases: ['memcache_pool_socket_timeout'],
    help: 'How long memcached may take to answer, in seconds; then the identity service is asked.',
  }),
  memcached_dead_retry: duration({
    default: 300,
    aliases: ['memcache_pool_dead_retry'],
    help: 'How long a memcached that did not answer is left alone, in seconds.',
  }),
  token_cache_max_entries: integer({ default: 10_000, min: 1, help: 'How many tokens are remembered at most.' }),
  cache_security: oneOf(['none', 'mac', 'encrypt'], {
    default: 'none',
    ignoreCase: true,
    aliases: ['memcache_security_strategy'],
    help: 'mac signs tokens in memcached with cache_secret_key, encrypt encrypts them too. Both mix it into the keys of the cache, which are hashes of tokens.',
  }),
  cache_secret_key: string({
    secret: true,
    aliases: ['memcache_secret_key'],
    help: 'The key for cache_security: the same in all that share a memcached.',
  }),
  negative_cache_time: duration({
    default: 5,
    help: 'How long a token found to be bad is refused without asking again, in seconds. At most 1000 are remembered.',
  }),
});

const decision = defineOptions({
  delay_auth_decision: boolean({
    default: false,
    help: 'Lets requests without a valid token through, marked as such: the application decides.',
  }),
  accept_bearer: boolean({ default: false, help: 'Takes the token from Authorization: Bearer too.' }),
  service_token_roles: list({ default: ['service'], help: 'Roles any of which makes a service token one.' }),
  service_token_roles_required: boolean({
    default: true,
    help: 'Refuses service tokens without such a role. False, the default of keystonemiddleware, lets any user pass for a service.',
  }),
  enforce_token_bind: oneOf(['disabled', 'permissive', 'strict', 'required', 'x509'], {
    default: 'permissive',
    help: 'Tokens bound to a client certificate: permissive passes over kinds unknown here, strict refuses them, required refuses tokens that are not bound, x509 those not bound so.',
  }),
  service_type: string({ help: 'What this API is in the catalog (compute). Access rules of tokens need it.' }),
  include_service_catalog: boolean({
    default: true,
    help: 'Asks for the catalog of each token, and hands it on in X-Service-Catalog. False makes answers of the identity service smaller.',
  }),
  set_headers: boolean({ default: true, help: 'Hands the identity on in headers too, X-User-Id and the others.' }),
  legacy_headers: boolean({ default: false, help: 'Sets X-User, X-Tenant, X-Tenant-Id, X-Tenant-Name, X-Role too.' }),
  extra_strip: list({ default: [], help: 'Further headers no client may send.' }),
  config_group: string({ help: 'Reads these options from this section of the service configuration instead.' }),
});

const all = { ...validation, ...accountOptions, ...decision, ...cache };

/** For a section of any other name. */
export const unaliasedAuthTokenOptions = writtenElsewhere(defineOptions(all), { unused: UNUSED_NAMES });
export const authTokenOptions = writtenElsewhere(defineOptions(alsoIn('keystone_authtoken', all)), {
  section: 'keystone_authtoken',
  unused: UNUSED_NAMES,
});

export type AuthTokenOptions = OptionsOf<typeof authTokenOptions>;
export type AccountOptions = OptionsOf<typeof accountOptions>;

/** Signatures that a public key checks; and those of a secret, with which who can check a token can make one. */
const ALGORITHMS = 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA HS256 HS384 HS512'.split(' ');

export const jwtOptions = defineOptions({
  issuer: string({
    help: 'Who makes the tokens: their iss is exactly this. Required unless the API signs them itself, with a secret.',
  }),
  audience: string({
    help: 'For whom they are made: their aud is this or has it. Required unless the API signs them itself.',
  }),
  secret_file: path({
    kind: 'file',
    mode: 0o640,
    help: 'A file with the secret of an API that signs its tokens itself. At least 32 bytes for HS256 (RFC 7518 §3.2); blanks around it do not count. A relative path begins at the working directory.',
  }),
  secret: string({ secret: true, help: 'The secret itself. secret_file keeps it out of the configuration.' }),
  jwks_uri: uri({ schemes: ['http', 'https'], help: 'Where the issuer publishes its keys.' }),
  jwks_file: path({
    kind: 'file',
    help: 'A file with its keys, as a JSON Web Key Set. A relative path begins at the working directory.',
  }),
  public_key_file: path({
    kind: 'file',
    help: 'A file with its one key, as PEM. A relative path begins at the working directory.',
  }),
  algorithms: list({
    item: oneOf(ALGORITHMS),
    default: [],
    help: 'The signatures accepted. Default: HS256 with a secret, else RS256, ES256, EdDSA and PS256.',
  }),
  scheme: string({
    default: 'Bearer',
    regex: /^[\w!#$%&'*+.^`|~-]+$/,
    help: 'The scheme of Authorization in front of the token: Bearer, or Token.',
  }),
  delay_auth_decision: boolean({
    help: 'Lets requests without a valid token through, for the application to decide. Default: as [auth_token] says, false.',
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

/** The same options, which may stand in another section just as well. */
function alsoIn<D extends OptionDeclarations>(group: string, options: D): D {
  const aliased = Object.entries(options).map(([name, option]) => {
    const aliases = [...option.aliases, ...[name, ...option.aliases].map((each) => `${group}.${each}`)];
    const deprecated = option.deprecated.flatMap((old) => [old, `${group}.${old}`]);
    return [name, Object.freeze({ ...option, aliases, deprecated, spec: { ...option.spec, aliases, deprecated } })];
  });
  return Object.fromEntries(aliased) as D;
}
