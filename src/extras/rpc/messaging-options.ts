/**
 * `[rpc]`: options of remote calls.
 */
import { readFileSync } from 'node:fs';
import {
  boolean,
  type Config,
  defineOptions,
  integer,
  list,
  type OptionDeclarations,
  type OptionsOf,
  oneOf,
  uri,
} from 'portico/config';
import { ConfigurationRefused, didYouMean, ignoreErrors } from 'portico/extension';
import { configuredTransportUrl, ofOslo, rpcOptions } from './rpc-options.js';
import { transportsOf } from './transport/known-transports.js';
import { checkTransportUrl, importDriver } from './transport/open-transport.js';
import { isOslo, parseTransportUrl } from './transport/transport-url.js';

/** Values of `[rpc]` without the URL: it may have a password, and these are printed with a connection. */
export type MessagingSettings = ReturnType<typeof read>['settings'];

/**
 * Reads `[rpc]` of a configuration, with values that the query of the URL overrides. `url`: in place of the configuration's; `project`: the
 * exchange if none is named. Throws `PORTICO_RPC_URL` for a URL that cannot be read, or whose query has unknown options.
 */
export function messagingSettings(config: Config, given: Given = {}): ReturnType<typeof read> {
  try {
    return read(config, given);
  } catch (error) {
    throw given.url === undefined ? atItsOption(config, error) : error;
  }
}

/** Imports the driver of the configured URL, if it has a known one. Rejects at the URL if it cannot be used. */
export async function loadDriver(config: Config): Promise<void> {
  const url = ignoreErrors(() => parseTransportUrl(configuredTransportUrl(config)));
  if (url === undefined || !Object.hasOwn(transportsOf(config).transports, url.driver)) return;
  await importDriver(url, config).catch((error: unknown) => {
    throw atItsOption(config, error);
  });
}

/** `[oslo_messaging_notifications]`. */
export type NotificationSettings = OptionsOf<typeof osloNotificationOptions>;

/** Returns the options of notifications; `rabbit://` has the exchanges and queues of oslo.messaging, whose section it is. */
export function notificationSettings(config: Config): NotificationSettings {
  const group = config.group('oslo_messaging_notifications', osloNotificationOptions);
  const { transportUrl } = group;
  if (transportUrl === undefined || ofOslo(transportUrl) === transportUrl) return group;
  return Object.create(group, { transportUrl: { value: ofOslo(transportUrl) } }) as NotificationSettings;
}

/** Reports whether the names of topics and hosts are those of oslo.messaging. False if the URL cannot be read: {@link messagingSettings} reports that. */
export function hasOsloNames(config: Config, transport: unknown): boolean {
  const url = typeof transport === 'string' ? transport : configuredTransportUrl(config);
  try {
    return typeof transport !== 'object' && isOslo(parseTransportUrl(url));
  } catch {
    return false;
  }
}

interface Given {
  readonly url?: string | undefined;
  readonly project?: string | undefined;
}

function read(config: Config, { url, project = 'portico' }: Given) {
  const group = config.group('rpc', rpcOptions);
  const text = url ?? configuredTransportUrl(config);
  const target = checkTransportUrl(text, config);
  const isOnOslo = isOslo(target);
  const given = overrides(text, isOnOslo ? { ...rpcOptions, ...osloRabbitOptions } : rpcOptions);
  const o = { ...group, ...given } as OptionsOf<typeof rpcOptions>;
  const oslo = isOnOslo ? { ...config.group('oslo_messaging_rabbit', osloRabbitOptions), ...given } : undefined;
  const retryIntervalMs = o.retryInterval * 1000;
  const settings = {
    /** It reaches no other process. */
    isInProcess: target.driver === 'memory',
    /** Exchanges and queues are those of oslo.messaging. */
    isOslo: isOnOslo,
    exchange: o.exchange ?? project,
    responseMs: o.responseTimeout * 1000,
    // As nova's long_rpc_timeout.
    longMs: 1_800_000,
    // Without a policy of the broker, an expired cast would disappear silently.
    castTtlMs: isOnOslo && !isWritten(config, 'cast_ttl', given) ? 0 : o.castTtl * 1000,
    /** Calls at once, and messages that a consumer holds: more would wait here instead of with a free process. */
    poolSize: o.executorPoolSize,
    /** Undefined: as each class marks its methods. */
    accessPolicy: o.accessPolicy === 'public' ? undefined : o.accessPolicy,
    monitorMs: 60_000,
    startWaitMs: 60_000,
    startWithoutBroker: o.startWithoutBroker,
    // Long enough for a caller that connects to the broker again.
    replyRetryMs: 30_000,
    limits: { maxBytes: MAX_MESSAGE_BYTES },
    transport: {
      connectTimeoutMs: 10_000,
      heartbeatMs: o.heartbeat * 1000,
      retryIntervalMs,
      retryBackoffMs: 2 * retryIntervalMs,
      retryIntervalMaxMs: 30 * retryIntervalMs,
      // A host may be down for a day.
      hostQueueTtlMs: 86_400_000,
      // Services in Python have the longer time.
      transientQueueTtlMs: isOnOslo ? 1_800_000 : 600_000,
      queueType: oslo === undefined ? o.queueType : oslo.rabbitQuorumQueue === true ? 'quorum' : 'classic',
      deliveryLimit: o.deliveryLimit,
      deadLetter: o.deadLetter,
      tls: {
        isOn: oslo?.ssl,
        ca: contentOf(o.sslCaFile),
        cert: contentOf(o.sslCertFile),
        key: contentOf(o.sslKeyFile),
      },
      oslo: oslo && {
        durable: oslo.amqpDurableQueues,
        autoDelete: oslo.amqpAutoDelete,
        quorum: oslo.rabbitQuorumQueue,
        deliveryLimit: oslo.rabbitQuorumDeliveryLimit,
        maxMemoryLength: oslo.rabbitQuorumMaxMemoryLength,
        maxMemoryBytes: oslo.rabbitQuorumMaxMemoryBytes,
        mirrored: oslo.rabbitHaQueues,
        durableFanout: oslo.rabbitTransientQuorumQueue,
      },
    },
  } as const;
  return { url: text, settings };
}

/** Maximum size of a message: the default limit of RabbitMQ 4. */
const MAX_MESSAGE_BYTES = 16 * 2 ** 20;

function isWritten(config: Config, opt: string, given: object): boolean {
  return Object.hasOwn(given, camelCase(opt)) || config.getLocation('rpc', opt).kind !== 'default';
}

function contentOf(file: string | undefined): Buffer | undefined {
  return file === undefined ? undefined : readFileSync(file);
}

/** Returns values of a URL's query, by their names in code. */
function overrides(url: string, options: OptionDeclarations): Readonly<Record<string, unknown>> {
  const values: Record<string, unknown> = {};
  const names = Object.keys(options).filter((name) => name !== 'transport_url');
  for (const [name, text] of parseTransportUrl(url).query) {
    if (!names.includes(name)) {
      throw new ConfigurationRefused('PORTICO_RPC_URL', {
        message: `the query of the transport URL has "${name}", which is not an option of [rpc]`,
        hint: didYouMean(name, names) ?? `Options: ${names.join(', ')}.`,
      });
    }
    try {
      values[camelCase(name)] = options[name]!.parse(text);
    } catch (cause) {
      throw new ConfigurationRefused('PORTICO_RPC_URL', {
        message: `${name} in the query of the transport URL: ${(cause as Error).message}`,
        cause,
      });
    }
  }
  return values;
}

function camelCase(name: string): string {
  return name.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** Returns a driver's error with the location of the option of `[rpc]` that caused it. */
export function atItsOption(config: Config, error: unknown): unknown {
  if (!(error instanceof ConfigurationRefused) || !error.code.startsWith('PORTICO_RPC_')) return error;
  const diagnostics = error.diagnostics.map(({ option = 'transport_url', ...each }) => {
    return { ...each, section: 'rpc', option, location: config.getLocation('rpc', option) };
  });
  return new ConfigurationRefused(error.code, { diagnostics, cause: error.cause });
}

/** Names in `[oslo_messaging_rabbit]` that oslo.messaging knows or knew and that have no effect here, each with a hint. */
const UNUSED_NAMES: Readonly<Record<string, string>> = {
  ...namesWith(
    'Put the broker into [rpc] transport_url: oslo+rabbit://user:password@host:5672/vhost.',
    'rabbit_host rabbit_port rabbit_hosts rabbit_userid rabbit_password rabbit_virtual_host',
  ),
  ...namesWith(
    'Remove the line: it has no effect here.',
    `ssl_version kombu_ssl_version ssl_enforce_fips_mode ssl_enforce_hostname_verification heartbeat_in_pthread heartbeat_rate
    kombu_reconnect_splay kombu_compression kombu_missing_consumer_retry_timeout kombu_reconnect_timeout kombu_failover_strategy
    rabbit_login_method rabbit_max_retries rabbit_retry_backoff rabbit_interval_max rabbit_qos_prefetch_count
    rabbit_transient_queues_ttl direct_mandatory_flag enable_cancel_on_failover use_queue_manager hostname processname
    rpc_conn_pool_size conn_pool_min_size conn_pool_ttl`,
  ),
  kombu_reconnect_delay: 'Write rabbit_retry_interval.',
  rabbit_durable_queues: 'Write amqp_durable_queues.',
};

function namesWith(hint: string, names: string): Record<string, string> {
  return Object.fromEntries(names.split(/\s+/).map((name) => [name, hint]));
}

/**
 * The options in `[oslo_messaging_rabbit]`, for transport URLs `oslo+rabbit://` and `oslo+amqps://`: under their oslo.messaging names, with
 * the values that Python and Portico services on the same broker must share. Others are aliases of options of `[rpc]`.
 */
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
      help: 'Redeliveries of a message by a quorum queue before it is dropped. 0, the default: the limit of the broker.',
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
      aliases: ['rabbit_stream_fanout'],
      help: 'Declare the exchanges of fanouts as durable. Portico uses queues there, not a stream. Default: false.',
    }),
    ssl: boolean({ aliases: ['rabbit_use_ssl'], help: 'Also use TLS with oslo+rabbit://. Default: false.' }),
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
