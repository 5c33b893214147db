/**
 * The options of remote calls. Declared here, because every program judges its files by them, and few load `portico/rpc`, which reads
 * them.
 */
import {
  boolean,
  bytes,
  defineOptions,
  dict,
  duration,
  integer,
  type OptionDeclarations,
  oneOf,
  path,
  string,
  uri,
} from '../config/index.js';

/** `[rpc]`. */
export const rpcOptions = defineOptions({
  transport_url: uri({
    default: 'memory://',
    secret: true,
    help: 'What carries remote calls: memory:// inside one process, amqp://user:password@host/ (RabbitMQ) between processes. Options of this group may follow behind a ?.',
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
  failover_strategy: oneOf(['shuffle', 'round-robin'], {
    default: 'shuffle',
    help: 'The order in which several hosts of the URL are tried: one of each process, or as they are written.',
  }),
  ssl_ca_file: path({
    mustExist: true,
    kind: 'file',
    help: 'The authorities that the certificate of the broker is verified with, for amqps://. Default: those that Node knows.',
  }),
  ssl_cert_file: path({ mustExist: true, kind: 'file', help: 'The certificate that the broker is shown.' }),
  ssl_key_file: path({ mustExist: true, kind: 'file', mode: 0o640, help: 'The private key of ssl_cert_file.' }),
  ssl_verify_hostname: boolean({
    default: true,
    help: 'Refuse a certificate for another host than that of the URL.',
  }),
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
  compress_over: bytes({
    min: 1,
    help: 'Compress longer messages by gzip. Default: none.',
  }),
  signing_keys: dict({
    secret: true,
    help: 'Keys that messages are signed with, id:secret,id:secret: by the first, and verified by all. Default: messages are not signed.',
  }),
  require_signature: boolean({
    default: false,
    help: 'Refuse messages that none of signing_keys has signed.',
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

/** `[upgrade_levels]`: an option for each topic, in whose name `-` is `_`. */
export const upgradeLevelOptions: OptionDeclarations = Object.freeze({
  '<name>': string({
    mutable: true,
    help: 'The highest version that may be sent to the services of the topic of this name, while older ones are there: a version, a release that the client knows, or auto, by the lowest version among the services that are up.',
  }),
});
