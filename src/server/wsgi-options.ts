/**
 * The options of `[wsgi]`: limits and times of every server. The README of this folder explains each.
 */
import { LONGEST_URL } from '../app/internal.js';
import { boolean, bytes, defineOptions, duration, integer, type OptionsOf, oneOf, string } from '../config/index.js';
import { writtenElsewhere } from '../config/internal.js';

/** The values of `paths`. */
export const PATHS = ['normalize', 'refuse', 'as_sent'] as const;

/** Durations are in seconds; where 0 is allowed, it means no limit. */
export const wsgiOptions = defineOptions('wsgi', {
  max_header_size: bytes({
    default: 16_384,
    min: 1024,
    max: 1_048_576,
    help: 'Maximum size of request line and headers together. Larger: 431.',
    aliases: ['max_header_line'],
    deprecated: ['DEFAULT.max_header_line'],
    advanced: true,
  }),
  max_headers: integer({
    default: 100,
    min: 0,
    help: 'Maximum number of headers. More: 431.',
    advanced: true,
  }),
  max_url_length: integer({
    default: LONGEST_URL,
    min: 0,
    help: 'Maximum length of the request target, in bytes. Longer: 414.',
    advanced: true,
  }),
  max_connections: integer({
    default: 4096,
    min: 0,
    help: 'Maximum number of connections per worker, at most its file descriptors minus 64. More: one without a request is closed.',
  }),
  max_requests_per_connection: integer({
    default: 1000,
    min: 0,
    max: 2 ** 31 - 1,
    help: 'Maximum number of requests per connection. The last response announces its end. From 128 on, connections end up to an eighth sooner, so that those opened together do not end together.',
    advanced: true,
  }),
  headers_timeout: duration({
    default: 20,
    help: 'Seconds from the first byte of a request to the end of its headers.',
    advanced: true,
  }),
  body_grace: duration({ default: 15, help: 'Seconds before min_body_rate applies.', advanced: true }),
  min_body_rate: integer({
    default: 500,
    min: 0,
    help: 'Minimum average bytes per second of a request body. Slower: 408.',
    advanced: true,
  }),
  request_timeout: duration({
    default: 300,
    help: 'Seconds to receive a whole request, with its body.',
  }),
  keep_alive: boolean({
    default: true,
    help: 'Keep connections open between requests.',
    deprecated: ['DEFAULT.wsgi_keep_alive'],
  }),
  keep_alive_timeout: duration({
    default: 65,
    help: 'Seconds an idle connection stays open. Keep-Alive announces one less.',
  }),
  send_timeout: duration({ default: 60, help: 'Seconds a client may accept no bytes of a response.', advanced: true }),
  handshake_timeout: duration({ default: 10, help: 'Seconds for a TLS handshake.', advanced: true }),
  client_socket_timeout: duration({
    default: 900,
    help: 'Seconds without traffic in either direction while a handler works.',
    deprecated: ['DEFAULT.client_socket_timeout'],
  }),
  tcp_keepidle: duration({
    default: 600,
    help: 'Idle seconds before TCP keepalive probes. 0 disables them.',
    deprecated: ['DEFAULT.tcp_keepidle'],
    advanced: true,
  }),
  default_pool_size: integer({
    default: 100,
    min: 0,
    help: 'Maximum number of requests in application code per worker. Others wait in order.',
    deprecated: ['DEFAULT.wsgi_default_pool_size'],
  }),
  max_queue: integer({
    default: 1000,
    min: 0,
    help: 'Maximum number of requests per worker that wait for default_pool_size. More: 503 and Retry-After.',
  }),
  secure_proxy_ssl_header: string({
    help: "Header of a proxy with the client's scheme, such as X-Forwarded-Proto. It is trusted from every client: use it only if none can bypass the proxy.",
    advanced: true,
  }),
  server_debug: boolean({
    default: false,
    help: 'Include the stack trace in the 500 for an error that neither a Router nor catch_errors handles. For development only.',
    deprecated: ['DEFAULT.wsgi_server_debug'],
    advanced: true,
  }),
  paths: oneOf(PATHS, {
    default: 'normalize',
    help: 'Which paths reach the application: normalize (one spelling of each), refuse (400 for a path that a proxy may read differently) or as_sent (each as its client wrote it, for object stores).',
  }),
  allow_underscore_headers: boolean({
    default: false,
    help: 'Accept headers with an underscore in the name, which are otherwise dropped.',
    advanced: true,
  }),
});

writtenElsewhere(wsgiOptions, {
  removed: {
    queue_timeout: 'a request waits at most 30 s for default_pool_size.',
    lingering_time: 'the rest of a request is discarded for 30 s after its response.',
    lingering_timeout: 'a connection whose rest is discarded is closed after 5 s of silence.',
  },
});

/** Values of `[wsgi]`. */
export type WsgiOptions = OptionsOf<typeof wsgiOptions>;
