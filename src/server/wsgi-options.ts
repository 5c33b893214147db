/**
 * The options of `[wsgi]`: limits and times of every server. What each does is in the README of this folder.
 */
import { boolean, bytes, defineOptions, duration, integer, type OptionsOf, string } from '../config/index.js';

/** Durations are in seconds; 0 is "no limit" wherever it is allowed. */
export const wsgiOptions = defineOptions({
  max_header_size: bytes({
    default: 16_384,
    min: 1024,
    max: 1_048_576,
    help: 'Request line and header fields together, in bytes. Beyond it: 431.',
    deprecated: ['DEFAULT.max_header_line'],
  }),
  max_headers: integer({ default: 100, min: 0, help: 'Header fields of one request. Beyond it: 431.' }),
  max_url_length: integer({ default: 8192, min: 0, help: 'Length of the request target in bytes. Beyond it: 414.' }),
  max_connections: integer({
    default: 4096,
    min: 0,
    help: 'Connections of one worker, at most its descriptors less 64. Beyond it the longest idle one is closed.',
  }),
  max_requests_per_connection: integer({
    default: 1000,
    min: 0,
    help: 'Requests of one connection; the answer to the last one says that the connection ends.',
  }),
  headers_timeout: duration({ default: 20, help: 'From the first byte of a request to the end of its head.' }),
  body_grace: duration({ default: 15, help: 'Time before min_body_rate is looked at.' }),
  min_body_rate: integer({
    default: 500,
    min: 0,
    help: 'Bytes per second that a request body has to come with on average. Below it: 408.',
  }),
  request_timeout: duration({ default: 300, help: 'For a whole request with its body, not for its handler.' }),
  keep_alive: boolean({
    default: true,
    help: 'Keeps connections open between requests.',
    deprecated: ['DEFAULT.wsgi_keep_alive'],
  }),
  keep_alive_timeout: duration({
    default: 65,
    help: 'How long an idle connection is kept. Clients are told one second less.',
  }),
  send_timeout: duration({ default: 60, help: 'How long a client may take no byte of an answer.' }),
  handshake_timeout: duration({ default: 10, help: 'For a TLS handshake.' }),
  client_socket_timeout: duration({
    default: 900,
    help: 'How long no byte may pass in either direction while a handler works.',
    deprecated: ['DEFAULT.client_socket_timeout'],
  }),
  tcp_keepidle: duration({
    default: 600,
    help: 'Idle time before the system probes whether a peer is still there; 0 never probes.',
    deprecated: ['DEFAULT.tcp_keepidle'],
  }),
  default_pool_size: integer({
    default: 100,
    min: 0,
    help: 'Requests with application code at work at once in one worker. Further ones wait in the order they came.',
    deprecated: ['DEFAULT.wsgi_default_pool_size'],
  }),
  max_queue: integer({
    default: 1000,
    min: 0,
    help: 'Requests that may wait for a place of default_pool_size in one worker. Beyond it: 503 with Retry-After.',
  }),
  queue_timeout: duration({ default: 30, help: 'How long a request may wait for such a place. Beyond it: 503.' }),
  secure_proxy_ssl_header: string({
    help: 'The header field in which a proxy says the scheme a client used, such as X-Forwarded-Proto. It is believed from every client: only for APIs that the proxy alone can reach.',
  }),
  server_debug: boolean({
    default: false,
    help: 'Puts the stack of an error into the 500 that answers it. For development only.',
    deprecated: ['DEFAULT.wsgi_server_debug'],
  }),
  allow_underscore_headers: boolean({
    default: false,
    help: 'Lets header fields through whose names contain an underscore; else they are dropped.',
  }),
});

/** The values of `[wsgi]`. */
export type WsgiOptions = OptionsOf<typeof wsgiOptions>;
