/**
 * The options of `[wsgi]`: limits and times of every server. The README of this folder explains each.
 */
import { boolean, bytes, defineOptions, duration, integer, type OptionsOf, string } from '../config/index.js';

/** Durations are in seconds; where 0 is allowed, it means no limit. */
export const wsgiOptions = defineOptions({
  max_header_size: bytes({
    default: 16_384,
    min: 1024,
    max: 1_048_576,
    help: 'Maximum size of the request line and all headers, in bytes. Larger requests are answered with 431.',
    deprecated: ['DEFAULT.max_header_line'],
  }),
  max_headers: integer({
    default: 100,
    min: 0,
    help: 'Maximum number of headers in a request. Requests with more are answered with 431.',
  }),
  max_url_length: integer({
    default: 8192,
    min: 0,
    help: 'Maximum length of the request target, in bytes. Longer ones are answered with 414.',
  }),
  max_connections: integer({
    default: 4096,
    min: 0,
    help: 'Maximum number of connections per worker, at most its file descriptors minus 64. Beyond it, the longest idle connection is closed.',
  }),
  max_requests_per_connection: integer({
    default: 1000,
    min: 0,
    help: 'Maximum number of requests per connection. The last response announces the end of the connection.',
  }),
  headers_timeout: duration({
    default: 20,
    help: 'Seconds from the first byte of a request to the end of its headers.',
  }),
  body_grace: duration({ default: 15, help: 'Seconds before min_body_rate applies.' }),
  min_body_rate: integer({
    default: 500,
    min: 0,
    help: 'Minimum average transfer rate of a request body, in bytes per second. Slower requests are answered with 408.',
  }),
  request_timeout: duration({
    default: 300,
    help: 'Seconds to receive a whole request with its body, not counting its handler.',
  }),
  keep_alive: boolean({
    default: true,
    help: 'Keep connections open between requests.',
    deprecated: ['DEFAULT.wsgi_keep_alive'],
  }),
  keep_alive_timeout: duration({
    default: 65,
    help: 'Seconds for which an idle connection is kept open. The Keep-Alive header announces one second less.',
  }),
  lingering_time: duration({
    default: 30,
    help: 'Seconds for which the rest of a request is read and discarded after its response, so that the client can read the response.',
  }),
  lingering_timeout: duration({ default: 5, help: 'Seconds of silence after which such a connection is closed.' }),
  send_timeout: duration({ default: 60, help: 'Seconds for which a client may accept no bytes of a response.' }),
  handshake_timeout: duration({ default: 10, help: 'Seconds for a TLS handshake.' }),
  client_socket_timeout: duration({
    default: 900,
    help: 'Seconds without traffic in either direction while a handler works.',
    deprecated: ['DEFAULT.client_socket_timeout'],
  }),
  tcp_keepidle: duration({
    default: 600,
    help: 'Idle seconds before the system sends TCP keepalive probes. 0 disables them.',
    deprecated: ['DEFAULT.tcp_keepidle'],
  }),
  default_pool_size: integer({
    default: 100,
    min: 0,
    help: 'Maximum number of requests that run application code in one worker at a time. Further requests wait in order of arrival.',
    deprecated: ['DEFAULT.wsgi_default_pool_size'],
  }),
  max_queue: integer({
    default: 1000,
    min: 0,
    help: 'Maximum number of requests per worker that wait for a place in default_pool_size. Further requests are answered with 503 and Retry-After.',
  }),
  queue_timeout: duration({
    default: 30,
    help: 'Seconds for which a request may wait for such a place. After that it is answered with 503.',
  }),
  secure_proxy_ssl_header: string({
    help: "The header in which a proxy passes on the client's scheme, such as X-Forwarded-Proto. It is trusted from every client, so use it only if clients cannot bypass the proxy.",
  }),
  server_debug: boolean({
    default: false,
    help: 'Include the stack trace in the 500 response for an error that neither a Router nor catch_errors answers. For development only.',
    deprecated: ['DEFAULT.wsgi_server_debug'],
  }),
  allow_underscore_headers: boolean({
    default: false,
    help: 'Accept headers whose names contain an underscore. Otherwise they are dropped.',
  }),
});

/** Values of `[wsgi]`. */
export type WsgiOptions = OptionsOf<typeof wsgiOptions>;
