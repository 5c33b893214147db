/** The options of remote calls. */
import {
  boolean,
  bytes,
  type Config,
  crossCheck,
  defineOptions,
  dict,
  duration,
  integer,
  oneOf,
  path,
  string,
  uri,
} from '../config/index.js';
import { nearestOrAll } from '../errors/index.js';

/** Schemes of the transports for remote calls. */
export const TRANSPORTS = ['memory', 'amqp', 'amqps', 'oslo+rabbit', 'oslo+amqps'] as const;

/** Other names of transports. */
const ALIASES: Readonly<Record<string, string>> = { rabbit: 'amqp', 'oslo+amqp': 'oslo+rabbit' };

/** Returns the transport that a scheme names, also one that does not exist. Text after a plus names the hosts, except after `oslo`. */
export function transportOf(scheme: string): string {
  const written = scheme.toLowerCase();
  const [, named = written] = /^([^+]+)\+[^+]+$/.exec(written) ?? [];
  const asked = named === 'oslo' ? written : named;
  return ALIASES[asked] ?? asked;
}

/** The options in `[rpc]`. */
export const rpcOptions = defineOptions(
  'rpc',
  {
    transport_url: uri({
      default: 'memory://',
      secret: true,
      help: 'URL of the transport: memory:// within one process, amqp://user:password@host/ (RabbitMQ) between processes; ? sets options of this section.',
    }),
    exchange: string({
      aliases: ['control_exchange'],
      help: 'Exchange, which separates applications on one broker. Default: the name of the project.',
    }),
    response_timeout: duration({
      default: 60,
      aliases: ['rpc_response_timeout'],
      help: 'Seconds a call waits for its reply.',
    }),
    long_timeout: duration({
      default: 1800,
      help: 'Seconds a call of a long-running method waits for its reply.',
      advanced: true,
    }),
    cast_ttl: duration({
      default: 3600,
      help: 'Seconds until an unprocessed cast becomes a dead letter. 0: never.',
    }),
    executor_pool_size: integer({
      default: 64,
      min: 1,
      help: 'Maximum number of remote calls that a process handles at a time.',
    }),
    prefetch: integer({
      min: 1,
      help: 'Maximum number of messages each consumer prefetches. Default: executor_pool_size.',
      advanced: true,
    }),
    access_policy: oneOf(['public', 'explicit'], {
      default: 'public',
      help: 'Remote methods of a manager: public, the marked ones, or all of the class if none is marked; explicit, only marked ones.',
    }),
    call_monitor_threshold: duration({
      default: 60,
      min: 2,
      help: 'Seconds without a heartbeat of its server until a call fails, for calls with a longer timeout.',
      advanced: true,
    }),
    connect_timeout: duration({ default: 10, help: 'Timeout of a connection attempt.', advanced: true }),
    start_wait: duration({ default: 60, help: 'Seconds to wait for the broker at the start.', advanced: true }),
    start_without_broker: boolean({
      default: false,
      help: 'Start without the broker after start_wait, and accept calls later. With false, the start fails.',
      advanced: true,
    }),
    heartbeat: duration({ default: 20, help: 'Seconds between heartbeats of a broker connection.', advanced: true }),
    retry_interval: duration({
      default: 1,
      help: 'Seconds before a message that did not reach the broker is resent.',
      advanced: true,
    }),
    retry_backoff: duration({ default: 2, help: 'Seconds that each further wait is longer.', advanced: true }),
    retry_interval_max: duration({ default: 30, help: 'Maximum wait between retries.', advanced: true }),
    failover_strategy: oneOf(['shuffle', 'round-robin'], {
      default: 'shuffle',
      help: 'Order of the hosts in the URL: shuffle is random for each process, round-robin that of the URL.',
      advanced: true,
    }),
    ssl_ca_file: path({
      mustExist: true,
      kind: 'file',
      help: 'CA certificates of the broker, for amqps://. Default: those of Node.js.',
    }),
    ssl_cert_file: path({ mustExist: true, kind: 'file', help: 'Client certificate for the broker.' }),
    ssl_key_file: path({ mustExist: true, kind: 'file', mode: 0o640, help: 'Private key of ssl_cert_file.' }),
    ssl_verify_hostname: boolean({
      default: true,
      help: 'Refuse a certificate for another host than that in the URL.',
      advanced: true,
    }),
    reply_retry_timeout: duration({
      default: 30,
      help: 'Seconds a reply is retried if its caller cannot be reached.',
      advanced: true,
    }),
    transient_queue_ttl: duration({
      default: 600,
      help: 'Seconds the broker keeps the reply and fanout queues of an ended process.',
      advanced: true,
    }),
    host_queue_ttl: duration({
      default: 86_400,
      help: 'Seconds the broker keeps the queue of a host whose service has ended.',
      advanced: true,
    }),
    queue_type: oneOf(['quorum', 'classic'], {
      default: 'quorum',
      help: 'Type of the queues that outlive a process. Methods that acknowledge late need quorum. Delete existing queues before a change.',
    }),
    delivery_limit: integer({
      default: 5,
      min: 1,
      help: 'Redeliveries of a message before it becomes a dead letter.',
      advanced: true,
    }),
    dead_letter: boolean({
      default: true,
      help: 'Keep messages that expired, were refused, or redelivered too often.',
      advanced: true,
    }),
    max_message_size: bytes({
      default: 16 * 1024 * 1024,
      min: 1024,
      help: 'Maximum size of a message.',
      advanced: true,
    }),
    compress_over: bytes({
      min: 1,
      help: 'Compress larger messages, as kombu_compression = gzip. Default: none.',
      advanced: true,
    }),
    signing_keys: dict({
      secret: true,
      help: 'Keys of signed messages: id:secret,id:secret. The first signs, all verify. Default: no signatures.',
    }),
    require_signature: boolean({
      default: false,
      help: 'Refuse messages not signed with one of signing_keys.',
    }),
    manage_topology: boolean({
      default: true,
      help: 'Declare exchanges and queues. With false, an administrator must.',
      advanced: true,
    }),
    send_remote_stack: boolean({
      default: false,
      help: 'Send the stack trace of an error to the caller, for its log.',
      advanced: true,
    }),
  },
  { meant: { call_durability: 'remove the line: calls wait in durable queues' } },
);

/** A transport is opened with the first call; its URL may have a password. */
crossCheck((config: Config) => {
  if (!config.has('rpc', 'transport_url') || config.getLocation('rpc', 'transport_url').kind === 'default') return [];
  const { transportUrl } = config.group('rpc', rpcOptions, { partial: true });
  const [, scheme] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(transportUrl ?? '') ?? [];
  if (scheme === undefined || TRANSPORTS.some((each) => each === transportOf(scheme))) return [];
  const message = `there is no transport ${scheme}://`;
  return [{ group: 'rpc', opt: 'transport_url', message, hint: nearestOrAll(scheme, TRANSPORTS) }];
});

/** The options in `[upgrade_levels]`: one for each topic, with `_` for `-` in its name. */
export const upgradeLevelOptions = defineOptions('upgrade_levels', {
  '<name>': string({
    help: 'Highest version to send while older services run: a version, a release, or auto for the lowest of the running services.',
  }),
});
