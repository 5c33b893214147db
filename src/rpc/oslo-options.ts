/** Options under their oslo.messaging names, with the values that Python and Portico services on the same broker must share. */
import { boolean, defineOptions, duration, integer, list, oneOf, path, uri } from '../config/index.js';

const HOST = 'Put the broker into [rpc] transport_url: oslo+rabbit://user:password@host:5672/vhost.';
const POOL = 'Remove the line: a process has two connections to the broker.';
const TLS_VERSION = 'Remove the line: Node.js uses TLS 1.2 and 1.3 (node --tls-min-v1.3 allows only the latter).';
const NAMES = 'Remove the line: queues of a process have random names and are deleted with it.';
const HEARTBEAT = 'Remove the line: the event loop sends heartbeats according to heartbeat_timeout_threshold.';

/** Names in `[oslo_messaging_rabbit]` that oslo.messaging knows or knew and that have no effect here, each with a hint. */
const UNUSED_NAMES: Readonly<Record<string, string>> = {
  ssl_version: TLS_VERSION,
  kombu_ssl_version: TLS_VERSION,
  ssl_enforce_fips_mode: 'Remove the line: use node --enable-fips instead.',
  heartbeat_in_pthread: HEARTBEAT,
  heartbeat_rate: HEARTBEAT,
  kombu_reconnect_delay: 'Write rabbit_retry_interval.',
  kombu_reconnect_splay: 'Remove the line: reconnect delays are always randomized.',
  kombu_compression: 'Remove the line: messages are sent uncompressed, and gzip messages from Python can be read.',
  rabbit_login_method: 'Remove the line: the user and password of the transport URL are sent with PLAIN.',
  rabbit_max_retries: 'Remove the line: a lost connection is retried until it succeeds.',
  rabbit_durable_queues: 'Write amqp_durable_queues.',
  direct_mandatory_flag:
    'Remove the line: a reply whose caller is gone is retried for kombu_missing_consumer_retry_timeout.',
  enable_cancel_on_failover: 'Remove the line: a consumer that the broker cancels is created again.',
  use_queue_manager: NAMES,
  hostname: NAMES,
  processname: NAMES,
  rpc_conn_pool_size: POOL,
  conn_pool_min_size: POOL,
  conn_pool_ttl: POOL,
  rabbit_host: HOST,
  rabbit_port: HOST,
  rabbit_hosts: HOST,
  rabbit_userid: HOST,
  rabbit_password: HOST,
  rabbit_virtual_host: HOST,
};

/** The options in `[oslo_messaging_rabbit]`, for transport URLs `oslo+rabbit://` and `oslo+amqps://`. */
export const osloRabbitOptions = defineOptions(
  'oslo_messaging_rabbit',
  {
    amqp_durable_queues: boolean({
      help: 'Declare the exchange and the queues of topics and hosts as durable. Default: false.',
    }),
    amqp_auto_delete: boolean({ help: 'Delete these queues when their last consumer disconnects. Default: false.' }),
    rabbit_quorum_queue: boolean({
      help: 'Declare the queues of topics and hosts as durable quorum queues. Default: false.',
    }),
    rabbit_quorum_delivery_limit: integer({
      min: 0,
      help: 'Deliveries of a message by a quorum queue before it is dropped. 0, the default: the limit of the broker.',
    }),
    rabbit_quorum_max_memory_length: integer({
      min: 0,
      aliases: ['rabbit_quroum_max_memory_length'],
      help: 'Maximum number of messages of a quorum queue in memory. 0, the default, keeps all.',
    }),
    rabbit_quorum_max_memory_bytes: integer({
      min: 0,
      aliases: ['rabbit_quroum_max_memory_bytes'],
      help: 'Maximum number of bytes of a quorum queue in memory. 0, the default, keeps all.',
    }),
    rabbit_ha_queues: boolean({
      help: 'Declare the queues of topics and hosts with x-ha-policy: all. Default: false.',
    }),
    rabbit_transient_quorum_queue: boolean({
      help: 'Declare the exchanges of fanouts as durable. Default: false.',
    }),
    rabbit_stream_fanout: boolean({
      help: 'Declare the exchanges of fanouts as durable. Portico uses queues there, not a stream. Default: false.',
    }),
    rabbit_transient_queues_ttl: duration({
      min: 1,
      help: 'Seconds the broker keeps the reply and fanout queues of an ended process. Default: 1800.',
    }),
    rabbit_qos_prefetch_count: integer({
      min: 0,
      help: 'Maximum number of messages each consumer prefetches. Default, and 0: [rpc] prefetch.',
    }),
    heartbeat_timeout_threshold: duration({
      min: 0,
      help: 'Seconds without a heartbeat until the broker counts as gone. 0 disables heartbeats. Default: [rpc] heartbeat.',
    }),
    rabbit_retry_interval: duration({
      help: 'Seconds before a message that did not reach the broker is resent. Default: [rpc] retry_interval.',
    }),
    rabbit_retry_backoff: duration({
      help: 'Seconds that each further wait is longer. Default: [rpc] retry_backoff.',
    }),
    rabbit_interval_max: duration({
      help: 'Maximum number of seconds between retries. Default: [rpc] retry_interval_max.',
    }),
    kombu_failover_strategy: oneOf(['round-robin', 'shuffle'], {
      help: 'Order in which the hosts of the URL are tried. Default: [rpc] failover_strategy.',
    }),
    kombu_missing_consumer_retry_timeout: duration({
      aliases: ['kombu_reconnect_timeout'],
      help: 'Seconds a reply is retried if its caller cannot be reached. Default: [rpc] reply_retry_timeout.',
    }),
    ssl: boolean({ aliases: ['rabbit_use_ssl'], help: 'Also use TLS with oslo+rabbit://. Default: false.' }),
    ssl_ca_file: path({
      mustExist: true,
      kind: 'file',
      aliases: ['kombu_ssl_ca_certs'],
      help: 'CA certificates to verify the broker with. Default: [rpc] ssl_ca_file.',
    }),
    ssl_cert_file: path({
      mustExist: true,
      kind: 'file',
      aliases: ['kombu_ssl_certfile'],
      help: 'Client certificate for the broker. Default: [rpc] ssl_cert_file.',
    }),
    ssl_key_file: path({
      mustExist: true,
      kind: 'file',
      mode: 0o640,
      aliases: ['kombu_ssl_keyfile'],
      help: 'Private key of ssl_cert_file. Default: [rpc] ssl_key_file.',
    }),
    ssl_enforce_hostname_verification: boolean({
      help: 'Refuse a certificate for another host than that in the URL. Default: [rpc] ssl_verify_hostname.',
    }),
  },
  { unused: UNUSED_NAMES },
);

/** The options in `[oslo_messaging_notifications]`. */
export const osloNotificationOptions = defineOptions(
  'oslo_messaging_notifications',
  {
    driver: oneOf(['messagingv2', 'messaging', 'noop'], {
      default: 'messagingv2',
      help: 'Form of notifications: messagingv2 in an envelope, messaging without one, noop none at all.',
    }),
    topics: list({ default: ['notifications'], help: 'Topics of notifications, sent and received.' }),
    transport_url: uri({
      secret: true,
      canBeEmpty: true,
      help: 'URL of the broker for notifications. Default, and empty: [rpc] transport_url.',
    }),
  },
  { unused: { retry: 'Remove the line: a notification that the broker does not accept is sent again for 30 s.' } },
);
