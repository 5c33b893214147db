/**
 * Options by the names that oslo.messaging has for them: what a service of Python and one of Portico on the same broker must have alike.
 */
import { boolean, defineOptions, duration, integer, list, oneOf, path, uri } from '../config/index.js';
import { writtenElsewhere } from '../config/internal.js';

const HOST = 'Write the broker into [rpc] transport_url: oslo+rabbit://user:password@host:5672/vhost.';
const POOL = 'Remove the line: a process has two connections to the broker.';
const TLS_VERSION = 'Remove the line: Node.js speaks TLS 1.2 and 1.3 (node --tls-min-v1.3 is the latter alone).';
const NAMES = 'Remove the line: queues of a process have random names, and go with it.';
const HEARTBEAT = 'Remove the line: heartbeats are sent as heartbeat_timeout_threshold asks, by the event loop.';

/** Names of `[oslo_messaging_rabbit]` that oslo.messaging knows, or knew, and that have no effect here, each with what to do. */
const UNUSED_NAMES: Readonly<Record<string, string>> = {
  ssl_version: TLS_VERSION,
  kombu_ssl_version: TLS_VERSION,
  ssl_enforce_fips_mode: 'Remove the line: Node.js has this mode as node --enable-fips.',
  heartbeat_in_pthread: HEARTBEAT,
  heartbeat_rate: HEARTBEAT,
  kombu_reconnect_delay: 'Write rabbit_retry_interval.',
  kombu_reconnect_splay: 'Remove the line: waits for a new connection differ at random anyway.',
  kombu_compression:
    'Remove the line: messages are sent as they are, and those that Python compressed by gzip are read.',
  rabbit_login_method: 'Remove the line: the user and the password of the transport URL are sent by PLAIN.',
  rabbit_max_retries: 'Remove the line: a lost connection is made anew until there is one.',
  rabbit_durable_queues: 'Write amqp_durable_queues.',
  direct_mandatory_flag:
    'Remove the line: a reply whose caller is gone is tried for kombu_missing_consumer_retry_timeout.',
  enable_cancel_on_failover: 'Remove the line: a consumer that the broker cancels is made anew.',
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

/** `[oslo_messaging_rabbit]`, for transport URLs `oslo+rabbit://` and `oslo+amqps://`. */
export const osloRabbitOptions = writtenElsewhere(
  defineOptions({
    amqp_durable_queues: boolean({
      help: 'Declare the exchange and the queues of topics and hosts durable. Default false.',
    }),
    amqp_auto_delete: boolean({ help: 'Declare them so that they go with their last consumer. Default false.' }),
    rabbit_quorum_queue: boolean({
      help: 'Declare the queues of topics and hosts as quorum queues, durable. Default false.',
    }),
    rabbit_quorum_delivery_limit: integer({
      min: 0,
      help: 'How often a quorum queue delivers a message before it drops it; 0, the default: what the broker has.',
    }),
    rabbit_quorum_max_memory_length: integer({
      min: 0,
      aliases: ['rabbit_quroum_max_memory_length'],
      help: 'How many messages of a quorum queue are kept in memory; 0, the default: all.',
    }),
    rabbit_quorum_max_memory_bytes: integer({
      min: 0,
      aliases: ['rabbit_quroum_max_memory_bytes'],
      help: 'How many bytes of a quorum queue are kept in memory; 0, the default: all.',
    }),
    rabbit_ha_queues: boolean({
      help: 'Declare the queues of topics and hosts with x-ha-policy: all. Default false.',
    }),
    rabbit_transient_quorum_queue: boolean({
      help: 'The exchanges of fanouts are durable. Default false.',
    }),
    rabbit_stream_fanout: boolean({
      help: 'The exchanges of fanouts are durable; a service of Portico has a queue of its own there, no stream. Default false.',
    }),
    rabbit_transient_queues_ttl: duration({
      min: 1,
      help: 'Seconds a broker keeps the queues of a process that is gone, for its replies and fanouts. Default 1800.',
    }),
    rabbit_qos_prefetch_count: integer({
      min: 0,
      help: 'How many messages each consumer holds that have not begun; 0, or absent: [rpc] prefetch.',
    }),
    heartbeat_timeout_threshold: duration({
      min: 0,
      help: 'Seconds after which a silent broker counts as gone; 0: never. Default: [rpc] heartbeat.',
    }),
    rabbit_retry_interval: duration({ help: 'Default: [rpc] retry_interval.' }),
    rabbit_retry_backoff: duration({ help: 'Default: [rpc] retry_backoff.' }),
    rabbit_interval_max: duration({ help: 'Default: [rpc] retry_interval_max.' }),
    kombu_failover_strategy: oneOf(['round-robin', 'shuffle'], { help: 'Default: [rpc] failover_strategy.' }),
    kombu_missing_consumer_retry_timeout: duration({
      aliases: ['kombu_reconnect_timeout'],
      help: 'Seconds a reply is tried whose caller cannot be reached. Default: [rpc] reply_retry_timeout.',
    }),
    ssl: boolean({ aliases: ['rabbit_use_ssl'], help: 'Speak TLS with oslo+rabbit:// too. Default false.' }),
    ssl_ca_file: path({
      mustExist: true,
      kind: 'file',
      aliases: ['kombu_ssl_ca_certs'],
      help: 'The authorities that the certificate of the broker is verified with. Default: [rpc] ssl_ca_file.',
    }),
    ssl_cert_file: path({
      mustExist: true,
      kind: 'file',
      aliases: ['kombu_ssl_certfile'],
      help: 'The certificate that the broker is shown. Default: [rpc] ssl_cert_file.',
    }),
    ssl_key_file: path({
      mustExist: true,
      kind: 'file',
      mode: 0o640,
      aliases: ['kombu_ssl_keyfile'],
      help: 'The private key of ssl_cert_file. Default: [rpc] ssl_key_file.',
    }),
    ssl_enforce_hostname_verification: boolean({
      help: 'Refuse a certificate for another host than that of the URL. Default: [rpc] ssl_verify_hostname.',
    }),
  }),
  { unused: UNUSED_NAMES },
);

/** `[oslo_messaging_notifications]`. */
export const osloNotificationOptions = defineOptions({
  driver: oneOf(['messagingv2', 'messaging', 'noop'], {
    default: 'messagingv2',
    help: 'How notifications are sent: in an envelope, without one, or not at all.',
  }),
  topics: list({ default: ['notifications'], help: 'The topics that notifications go to, and are listened to.' }),
  transport_url: uri({ secret: true, help: 'The broker of notifications. Default: [rpc] transport_url.' }),
});
