/** Names of oslo.messaging in `[DEFAULT]`. */
const POOL = 'Remove the line: a process has two connections to the broker.';

/** Names in `[DEFAULT]` that oslo.messaging knows and that have no effect here. */
export const osloDefaultNames: Readonly<Record<string, string>> = {
  rpc_ping_enabled: 'Remove the line: each service answers oslo_rpc_server_ping.',
  rpc_conn_pool_size: POOL,
  conn_pool_min_size: POOL,
  conn_pool_ttl: POOL,
  executor_thread_pool_size: 'Write executor_pool_size in [rpc].',
  rpc_thread_pool_size: 'Write executor_pool_size in [rpc].',
};
