/**
 * `[rpc]`: how calls travel.
 */
import {
  boolean,
  bytes,
  type Config,
  defineOptions,
  duration,
  integer,
  type OptionsOf,
  oneOf,
  string,
  uri,
} from '../config/index.js';
import { ConfigurationRefused, didYouMean } from '../errors/index.js';
import type { ExposurePolicy } from './exposed-methods.js';
import type { TransportOptions } from './transport/transport.js';
import { parseTransportUrl } from './transport/transport-url.js';

/** `[rpc]`. */
export const rpcOptions = defineOptions({
  transport_url: uri({
    default: 'memory://',
    secret: true,
    help: 'What carries remote calls: memory:// inside one process. Options of this group may follow behind a ?.',
  }),
  exchange: string({
    aliases: ['control_exchange'],
    help: 'Separates applications that share a broker. Default: the name of the project.',
  }),
  response_timeout: duration({ default: 60, help: 'Seconds a call waits for its reply.' }),
  long_timeout: duration({ default: 1800, help: 'Seconds a call of a method waits that runs for long.' }),
  cast_ttl: duration({
    default: 3600,
    help: 'Seconds a cast waits to be handled before it is a dead letter; 0: for ever.',
  }),
  executor_pool_size: integer({ default: 64, min: 1, help: 'How many remote calls a process handles at a time.' }),
  prefetch: integer({
    min: 1,
    help: 'How many messages each consumer holds that have not begun. Default: executor_pool_size.',
  }),
  access_policy: oneOf(['public', 'explicit'], {
    default: 'public',
    help: 'Which methods of managers can be called: all that their class defines, unless it marks some, or those marked alone.',
  }),
  call_monitor_threshold: duration({
    default: 60,
    min: 2,
    help: 'Calls that wait longer than so many seconds fail after so long a silence of their server.',
  }),
  connect_timeout: duration({ default: 10, help: 'Seconds one try to connect to a broker may take.' }),
  start_wait: duration({ default: 60, help: 'Seconds a start waits for a broker that is away.' }),
  heartbeat: duration({ default: 20, help: 'Seconds between two heartbeats of a connection to a broker.' }),
  retry_interval: duration({
    default: 1,
    help: 'Seconds before a message is sent again that did not reach the broker.',
  }),
  retry_backoff: duration({ default: 2, help: 'How many seconds longer each further wait is.' }),
  retry_interval_max: duration({ default: 30, help: 'Seconds between two such tries, at most.' }),
  reply_retry_timeout: duration({ default: 30, help: 'Seconds a reply is tried whose caller cannot be reached.' }),
  transient_queue_ttl: duration({
    default: 600,
    help: 'Seconds a broker keeps the queues of a process that is gone, for its replies and fanouts.',
  }),
  host_queue_ttl: duration({
    default: 86_400,
    help: 'Seconds a broker keeps the queue of a host whose service is gone.',
  }),
  queue_type: oneOf(['quorum', 'classic'], {
    default: 'quorum',
    help: 'The type of the queues that outlive a process. Methods that are acknowledged late need quorum. A change needs new queues.',
  }),
  delivery_limit: integer({
    default: 5,
    min: 1,
    help: 'How often a message may come back before it is a dead letter.',
  }),
  dead_letter: boolean({
    default: true,
    help: 'Keep what was not delivered in time, refused, or came back too often.',
  }),
  max_message_size: bytes({
    default: 16 * 1024 * 1024,
    min: 1024,
    help: 'The longest message, in bytes, at both ends.',
  }),
  manage_topology: boolean({
    default: true,
    help: 'Declare exchanges and queues; false only looks for them, on brokers where an administrator declares them.',
  }),
  send_remote_stack: boolean({
    default: false,
    help: 'Tell callers the stack of what failed, for their logs.',
  }),
});

/** `[rpc]`, read. */
export interface MessagingSettings {
  readonly url: string;
  /** It reaches no other process. */
  readonly isInProcess: boolean;
  readonly exchange: string;
  readonly responseMs: number;
  readonly longMs: number;
  readonly castTtlMs: number;
  readonly poolSize: number;
  readonly prefetch: number;
  /** Undefined: by what each class marks. */
  readonly accessPolicy: ExposurePolicy | undefined;
  readonly monitorMs: number;
  readonly startWaitMs: number;
  readonly replyRetryMs: number;
  readonly maxMessageBytes: number;
  readonly sendStack: boolean;
  readonly transport: Omit<TransportOptions, 'log' | 'clientName'>;
}

/**
 * `[rpc]` of a configuration, with what the query of the URL overrides. `url`: instead of the configuration's; `project`: the
 * exchange where none is named. Throws
 * `PORTICO_RPC_URL` for a URL that cannot be read, or whose query has what is no option.
 */
export function messagingSettings(
  config: Config,
  { url, project = 'portico' }: { readonly url?: string | undefined; readonly project?: string | undefined } = {},
): MessagingSettings {
  const group = config.group('rpc', rpcOptions);
  const text = url ?? group.transportUrl;
  const o = { ...group, ...overrides(text) };
  return {
    url: text,
    isInProcess: parseTransportUrl(text).driver === 'memory',
    exchange: o.exchange ?? project,
    responseMs: o.responseTimeout * 1000,
    longMs: o.longTimeout * 1000,
    castTtlMs: o.castTtl * 1000,
    poolSize: o.executorPoolSize,
    prefetch: o.prefetch ?? o.executorPoolSize,
    accessPolicy: o.accessPolicy === 'public' ? undefined : o.accessPolicy,
    monitorMs: o.callMonitorThreshold * 1000,
    startWaitMs: o.startWait * 1000,
    replyRetryMs: o.replyRetryTimeout * 1000,
    maxMessageBytes: o.maxMessageSize,
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
    },
  };
}

function overrides(url: string): Partial<OptionsOf<typeof rpcOptions>> {
  const values: Record<string, unknown> = {};
  const names = Object.keys(rpcOptions).filter((name) => name !== 'transport_url');
  for (const [name, text] of parseTransportUrl(url).query) {
    if (!names.includes(name)) {
      throw new ConfigurationRefused('PORTICO_RPC_URL', {
        message: `the query of the transport URL has "${name}", which is no option of [rpc]`,
        hint: didYouMean(name, names) ?? `Options: ${names.join(', ')}.`,
      });
    }
    try {
      values[name.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase())] =
        rpcOptions[name as keyof typeof rpcOptions].parse(text);
    } catch (cause) {
      throw new ConfigurationRefused('PORTICO_RPC_URL', {
        message: `${name} in the query of the transport URL: ${(cause as Error).message}`,
        cause,
      });
    }
  }
  return values;
}
