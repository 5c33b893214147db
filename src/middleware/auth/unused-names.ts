/** Option names of `[keystone_authtoken]` in keystonemiddleware and keystoneauth that have no effect here, with a hint for each. */
const REMOVE = 'Remove the line.';
const ACCOUNT = 'Write auth_url, username, password and project_name.';
const URL_PART = 'Write auth_url, the whole address of the identity service.';
const POOL = 'Remove the line: each process has one connection to memcached.';
const LOCAL = 'Remove the line: Keystone no longer has signed tokens (PKI); each token is validated.';

export const UNUSED_NAMES: Readonly<Record<string, string>> = {
  admin_user: 'Write username.',
  admin_password: 'Write password.',
  admin_tenant_name: 'Write project_name.',
  admin_token: ACCOUNT,
  identity_uri: URL_PART,
  auth_host: URL_PART,
  auth_port: URL_PART,
  auth_protocol: URL_PART,
  auth_admin_prefix: URL_PART,
  cache: 'Write memcached_servers: requests have no cache in their environment.',
  token_cache: 'Remove the line: each process caches tokens in memory, and memcached_servers adds a shared cache.',
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
