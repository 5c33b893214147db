/**
 * Options by the names that oslo.messaging has for them: what a service of Python and one of Portico on the same broker must have alike.
 */
import { boolean, defineOptions, duration, integer, list, oneOf, path, uri } from '../config/index.js';

/** `[oslo_messaging_rabbit]`, for transport URLs `oslo+rabbit://` and `oslo+amqps://`. */
export const osloRabbitOptions = defineOptions({
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
});

/** `[oslo_messaging_notifications]`. */
export const osloNotificationOptions = defineOptions({
  driver: oneOf(['messagingv2', 'messaging', 'noop'], {
    default: 'messagingv2',
    help: 'How notifications are sent: in an envelope, without one, or not at all.',
  }),
  topics: list({ default: ['notifications'], help: 'The topics that notifications go to, and are listened to.' }),
  transport_url: uri({ secret: true, help: 'The broker of notifications. Default: [rpc] transport_url.' }),
});
