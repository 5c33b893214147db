/**
 * `[rpc]`: options of remote calls.
 */
import { readFileSync } from 'node:fs';
import type { Config, OptionDeclarations, OptionsOf } from '../config/index.js';
import { ConfigurationRefused, didYouMean } from '../errors/index.js';
import { WireFormat } from './message/wire-format.js';
import { osloNotificationOptions, osloRabbitOptions } from './oslo-options.js';
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
    throw new ConfigurationRefused('PORTICO_RPC_SIGNING', {
      message:
        wrong >= 0
          ? `[rpc] signing_keys: pair ${wrong + 1} is not a key`
          : '[rpc] require_signature is set, and signing_keys has no key',
      hint: 'Write id:secret: an id of letters, digits, _ and -, and a secret of at least 32 characters. Generate one with `openssl rand -hex 32`.',
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
  const { code, sentence, hint, cause } = error;
  const [said = '', opt = 'transport_url'] = /^\[rpc\] (\w+):? /.exec(sentence) ?? [];
  const message = sentence.slice(said.length);
  return new ConfigurationRefused(code, {
    diagnostics: [
      { severity: 'error', code, section: 'rpc', option: opt, place: config.getLocation('rpc', opt), message, hint },
    ],
    cause,
  });
}
