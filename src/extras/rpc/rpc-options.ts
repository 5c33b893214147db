/** The options of remote calls. */
import {
  boolean,
  type Config,
  crossCheck,
  defineOptions,
  duration,
  integer,
  oneOf,
  path,
  string,
  uri,
} from 'portico/config';
import { nearestOrAll } from 'portico/extension';
import { transportsOf } from './transport/known-transports.js';
import { transportOf } from './transport/scheme.js';
import { parseTransportUrl, type TransportUrl } from './transport/transport-url.js';

/** Returns the names that oslo.messaging has for an option, as aliases. */
function inOslo(...names: string[]): string[] {
  return names.map((name) => `oslo_messaging_rabbit.${name}`);
}

/** The options in `[rpc]`. */
export const rpcOptions = defineOptions('rpc', {
  transport_url: uri({
    default: 'memory://',
    secret: true,
    aliases: ['DEFAULT.transport_url'],
    help: 'URL of the transport: memory:// within one process, amqp://user:password@host/ (RabbitMQ) between processes; ? sets options of this section.',
  }),
  exchange: string({
    aliases: ['control_exchange', 'DEFAULT.control_exchange'],
    help: 'Exchange, which separates applications on one broker. Default: the name of the project.',
  }),
  response_timeout: duration({
    default: 60,
    aliases: ['rpc_response_timeout', 'DEFAULT.rpc_response_timeout'],
    help: 'Seconds a call waits for its reply.',
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
  access_policy: oneOf(['public', 'explicit'], {
    default: 'public',
    help: 'Remote methods of a manager: public, the marked ones, or all of the class if none is marked; explicit, only marked ones.',
  }),
  start_without_broker: boolean({
    default: false,
    help: 'Start without the broker after 60 s, and accept calls later. With false, the start fails.',
    advanced: true,
  }),
  heartbeat: duration({
    default: 20,
    aliases: inOslo('heartbeat_timeout_threshold'),
    help: 'Seconds between heartbeats of a broker connection. 0 disables them.',
    advanced: true,
  }),
  retry_interval: duration({
    default: 1,
    aliases: inOslo('rabbit_retry_interval'),
    help: 'Seconds before a message that did not reach the broker is resent. Each further wait is twice this longer, up to 30 times this.',
    advanced: true,
  }),
  ssl_ca_file: path({
    mustExist: true,
    kind: 'file',
    aliases: inOslo('ssl_ca_file', 'kombu_ssl_ca_certs'),
    help: 'CA certificates of the broker. Default: those of Node.js.',
  }),
  ssl_cert_file: path({
    mustExist: true,
    kind: 'file',
    aliases: inOslo('ssl_cert_file', 'kombu_ssl_certfile'),
    help: 'Client certificate for the broker.',
  }),
  ssl_key_file: path({
    mustExist: true,
    kind: 'file',
    mode: 0o640,
    aliases: inOslo('ssl_key_file', 'kombu_ssl_keyfile'),
    help: 'Private key of ssl_cert_file.',
  }),
  queue_type: oneOf(['quorum', 'classic'], {
    default: 'quorum',
    help: 'Type of the queues that outlive a process. Methods that acknowledge late need quorum. Delete existing queues before a change.',
  }),
  delivery_limit: integer({
    default: 20,
    min: 1,
    help: 'Redeliveries of a message before it becomes a dead letter. A call that a stop gives back unbegun counts too.',
    advanced: true,
  }),
  dead_letter: boolean({
    default: true,
    help: 'Keep messages that expired, were refused, or redelivered too often.',
    advanced: true,
  }),
});

/**
 * Returns the URL of the configuration. In `[DEFAULT]`, where services of oslo.messaging have it, `rabbit://` has their exchanges and queues:
 * `oslo+rabbit://`.
 */
export function configuredTransportUrl(config: Config): string {
  const { transportUrl } = config.group('rpc', rpcOptions, { partial: true });
  return isOfOslo(config) ? ofOslo(transportUrl) : transportUrl;
}

/**
 * Returns `[rpc] transport_url`, parsed. It has the passwords; `shown` is the URL without them. Throws `PORTICO_RPC_URL` for a URL that
 * cannot be read.
 */
export function transportUrl(config: Config): TransportUrl {
  return parseTransportUrl(configuredTransportUrl(config));
}

/** Returns a URL of oslo.messaging as it is written here: `oslo+rabbit://` for `rabbit://`. */
export function ofOslo(transportUrl: string): string {
  return transportUrl.replace(/^rabbit(?:\+\w+)?:/i, 'oslo+rabbit:');
}

function isOfOslo(config: Config): boolean {
  return config.resolve('rpc', 'transport_url').written.at(-1)?.group === 'DEFAULT';
}

/** A transport is opened with the first call; its URL may have a password. */
crossCheck((config: Config) => {
  if (!config.has('rpc', 'transport_url') || config.getLocation('rpc', 'transport_url').kind === 'default') return [];
  const { transportUrl } = config.group('rpc', rpcOptions, { partial: true });
  const [, scheme] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(transportUrl ?? '') ?? [];
  // Otherwise the error in the list says what is missing.
  const { transports, isWhole } = transportsOf(config);
  const known = Object.keys(transports);
  if (!isWhole || scheme === undefined || known.includes(transportOf(scheme))) return [];
  return [
    {
      group: 'rpc',
      opt: 'transport_url',
      // The file of another service may name a transport that nothing here opens.
      ...(isOfOslo(config) && { severity: 'warning' as const }),
      message: `there is no transport ${scheme}://`,
      hint: nearestOrAll(scheme, known),
    },
  ];
});

/** The options in `[upgrade_levels]`: one for each topic, with `_` for `-` in its name. */
export const upgradeLevelOptions = defineOptions('upgrade_levels', {
  '<name>': string({
    help: 'Highest version to send while older services run: a version, a release, or auto for the lowest of the running services.',
  }),
});
