/**
 * `[rpc]`: options of remote calls.
 */
import { readFileSync } from 'node:fs';
import {
  boolean,
  type Config,
  defineOptions,
  duration,
  integer,
  list,
  type OptionDeclarations,
  type OptionsOf,
  oneOf,
  path,
  uri,
} from '../config/index.js';
import { ConfigurationRefused, didYouMean } from '../errors/index.js';
import { WireFormat } from './message/wire-format.js';
import { rpcOptions } from './rpc-options.js';
import { checkTransportUrl } from './transport/open-transport.js';
import type { TransportOptions } from './transport/transport.js';
import { isOslo, parseTransportUrl } from './transport/transport-url.js';

/** Values of `[rpc]` without the URL: it may have a password, and these are printed with a connection. */
export type MessagingSettings = ReturnType<typeof read>['settings'];

/**
 * Reads `[rpc]` of a configuration, with values that the query of the URL overrides. `url`: in place of the configuration's; `project`: the
 * exchange if none is named. Throws `PORTICO_RPC_URL` for a URL that cannot be read, or whose query has unknown options,
 * `PORTICO_RPC_SIGNING` for invalid keys.
 */
export function messagingSettings(config: Config, given: Given = {}): ReturnType<typeof read> {
  try {
    return read(config, given);
  } catch (error) {
    throw given.url === undefined ? atItsOption(config, error) : error;
  }
}

/** `[oslo_messaging_notifications]`. */
export type NotificationSettings = OptionsOf<typeof osloNotificationOptions>;

export function notificationSettings(config: Config): NotificationSettings {
  return config.group('oslo_messaging_notifications', osloNotificationOptions);
}

/** Reports whether the names of topics and hosts are those of oslo.messaging. False if the URL cannot be read: {@link messagingSettings} reports that. */
export function hasOsloNames(config: Config, transport: unknown): boolean {
  const url =
    typeof transport === 'string' ? transport : config.group('rpc', rpcOptions, { partial: true }).transportUrl;
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
  const text = url ?? group.transportUrl;
  const target = checkTransportUrl(text);
  const isOnOslo = isOslo(target);
  const given = overrides(text, isOnOslo ? { ...rpcOptions, ...osloRabbitOptions } : rpcOptions);
  const o = { ...group, ...given } as OptionsOf<typeof rpcOptions>;
  const oslo = isOnOslo ? osloSettings({ ...config.group('oslo_messaging_rabbit', osloRabbitOptions), ...given }) : {};
  const { transport: shared = {}, prefetch: asked, replyRetryMs } = oslo;
  const format = wireFormat(o, isOnOslo);
  const settings = {
    /** It reaches no other process. */
    isInProcess: target.driver === 'memory',
    /** Exchanges and queues are those of oslo.messaging. */
    isOslo: isOnOslo,
    exchange: o.exchange ?? project,
    responseMs: o.responseTimeout * 1000,
    longMs: o.longTimeout * 1000,
    // Without a policy of the broker, an expired cast would disappear silently.
    castTtlMs: isOnOslo && !isWritten(config, 'cast_ttl', given) ? 0 : o.castTtl * 1000,
    poolSize: o.executorPoolSize,
    prefetch: asked ?? o.prefetch ?? o.executorPoolSize,
    /** Undefined: as each class marks its methods. */
    accessPolicy: o.accessPolicy === 'public' ? undefined : o.accessPolicy,
    monitorMs: o.callMonitorThreshold * 1000,
    startWaitMs: o.startWait * 1000,
    startWithoutBroker: o.startWithoutBroker,
    replyRetryMs: replyRetryMs ?? o.replyRetryTimeout * 1000,
    format,
    /** The form of notifications, which have readers of other programs. */
    notices: format.with({ signingKeys: undefined, requireSignature: false }).at(''),
    sendStack: o.sendRemoteStack,
    transport: {
      connectTimeoutMs: o.connectTimeout * 1000,
      heartbeatMs: o.heartbeat * 1000,
      retryIntervalMs: o.retryInterval * 1000,
      retryBackoffMs: o.retryBackoff * 1000,
      retryIntervalMaxMs: o.retryIntervalMax * 1000,
      hostQueueTtlMs: o.hostQueueTtl * 1000,
      transientQueueTtlMs: o.transientQueueTtl * 1000,
      queueType: o.queueType,
      deliveryLimit: o.deliveryLimit,
      deadLetter: o.deadLetter,
      manageTopology: o.manageTopology,
      failoverStrategy: o.failoverStrategy,
      ...shared,
      tls: {
        ca: contentOf(o.sslCaFile),
        cert: contentOf(o.sslCertFile),
        key: contentOf(o.sslKeyFile),
        verifyHostname: o.sslVerifyHostname,
        ...shared.tls,
      },
    },
  };
  return { url: text, settings };
}

/** Creates the form of messages. Its errors show neither a key nor its id: they may have been swapped. */
function wireFormat(o: OptionsOf<typeof rpcOptions>, onlyJson: boolean): WireFormat {
  const { signingKeys, requireSignature, maxMessageSize: maxBytes, compressOver } = o;
  const wrong = [...signingKeys].findIndex(([id, secret]) => !/^[\w-]{1,32}$/.test(id) || secret.length < 32);
  if (wrong >= 0 || (requireSignature && signingKeys.size === 0)) {
    const code = 'PORTICO_RPC_SIGNING';
    const [option, message] =
      wrong >= 0
        ? ['signing_keys', `pair ${wrong + 1} is not a key`]
        : ['require_signature', 'is set, and signing_keys has no key'];
    const hint =
      'Write id:secret: an id of letters, digits, _ and -, and a secret of at least 32 characters. Generate one with `openssl rand -hex 32`.';
    throw new ConfigurationRefused(code, {
      message: `[rpc] ${option}: ${message}`,
      hint,
      diagnostics: [{ severity: 'error', code, section: 'rpc', option, message, hint }],
    });
  }
  return new WireFormat({ maxBytes, compressOver, signingKeys, requireSignature, onlyJson });
}

/** Returns settings of `[oslo_messaging_rabbit]`, which take precedence over those of `[rpc]`. */
function osloSettings(o: OptionsOf<typeof osloRabbitOptions>): OsloSettings {
  const ms = (seconds: number | undefined): number | undefined => (seconds === undefined ? undefined : seconds * 1000);
  const transport = {
    heartbeatMs: ms(o.heartbeatTimeoutThreshold),
    retryIntervalMs: ms(o.rabbitRetryInterval),
    retryBackoffMs: ms(o.rabbitRetryBackoff),
    retryIntervalMaxMs: ms(o.rabbitIntervalMax),
    transientQueueTtlMs: (o.rabbitTransientQueuesTtl ?? OSLO_TRANSIENT_TTL) * 1000,
    failoverStrategy: o.kombuFailoverStrategy,
    queueType: o.rabbitQuorumQueue === true ? 'quorum' : 'classic',
    oslo: {
      durable: o.amqpDurableQueues,
      autoDelete: o.amqpAutoDelete,
      quorum: o.rabbitQuorumQueue,
      deliveryLimit: o.rabbitQuorumDeliveryLimit,
      maxMemoryLength: o.rabbitQuorumMaxMemoryLength,
      maxMemoryBytes: o.rabbitQuorumMaxMemoryBytes,
      mirrored: o.rabbitHaQueues,
      durableFanout: o.rabbitTransientQuorumQueue || o.rabbitStreamFanout,
    },
  } as const;
  const tls = {
    isOn: o.ssl,
    ca: contentOf(o.sslCaFile),
    cert: contentOf(o.sslCertFile),
    key: contentOf(o.sslKeyFile),
    verifyHostname: o.sslEnforceHostnameVerification,
  };
  return {
    transport: { ...written(transport), tls: written(tls) },
    prefetch: o.rabbitQosPrefetchCount || undefined,
    replyRetryMs: ms(o.kombuMissingConsumerRetryTimeout),
  };
}

/** Returns the object without members that are undefined: they do not replace those of `[rpc]`. */
function written<T extends object>(members: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const there = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(there) as ReturnType<typeof written<T>>;
}

interface OsloSettings {
  readonly transport?: Partial<TransportOptions>;
  readonly prefetch?: number | undefined;
  readonly replyRetryMs?: number | undefined;
}

/** Default of `rabbit_transient_queues_ttl` in services, in seconds. */
const OSLO_TRANSIENT_TTL = 1800;

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

/** Returns a driver's error with the place of the option of `[rpc]` that caused it. */
function atItsOption(config: Config, error: unknown): unknown {
  if (!(error instanceof ConfigurationRefused) || !error.code.startsWith('PORTICO_RPC_')) return error;
  const diagnostics = error.diagnostics.map(({ option = 'transport_url', ...each }) => {
    return { ...each, section: 'rpc', option, location: config.getLocation('rpc', option) };
  });
  return new ConfigurationRefused(error.code, { diagnostics, cause: error.cause });
}

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

/**
 * The options in `[oslo_messaging_rabbit]`, for transport URLs `oslo+rabbit://` and `oslo+amqps://`: under their oslo.messaging names, with
 * the values that Python and Portico services on the same broker must share.
 */
const osloRabbitOptions = defineOptions(
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
const osloNotificationOptions = defineOptions(
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
