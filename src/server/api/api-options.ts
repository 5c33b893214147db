/**
 * Options of `[api:<name>]`, each with nova's flat name; the options of `[DEFAULT]` that an API reads; and its options
 * in code.
 */
import type { FaultStyle } from '../../app/index.js';
import { apiFaultOptions, CACHE_CONTROLS, type CacheControl } from '../../app/internal.js';
import { defineOptions, integer, list, listen, module, oneOf, path, port, string } from '../../config/index.js';
import { writtenElsewhere } from '../../config/internal.js';
import type { LoadedApp } from '../../loader/index.js';
import type { LogOption } from '../../log/index.js';
import { processors } from '../../process/index.js';
import type { ManagerContext, ManagerSource, Registration } from '../../service/index.js';
import { DEFAULT_BACKLOG } from '../endpoint.js';
import { PATHS } from '../wsgi-options.js';

/** Flat names are in `[DEFAULT]`: `compute_listen_port` is `port` of `[api:compute]`. */
export const apiOptions = defineOptions('api:<name>', {
  listen: listen({
    default: '127.0.0.1',
    restart: true,
    help: 'Address to listen on, with or without port, or unix:/path.',
    aliases: ['DEFAULT.<name>_listen'],
  }),
  port: port({
    default: 0,
    restart: true,
    help: 'Port to listen on. 0: any free one, which is logged.',
    aliases: ['listen_port', 'DEFAULT.<name>_listen_port'],
  }),
  workers: integer({
    default: () => processors(),
    sampleDefault: 'number of CPUs',
    help: 'Number of worker processes, at least 1. Default: the CPUs, within the CPU limit of the container. For one process without workers: [DEFAULT] workers = 0.',
    aliases: ['DEFAULT.<name>_workers'],
  }),
  ssl_cert_file: path({
    help: 'Certificate. Default: cert_file of [ssl].',
    aliases: ['DEFAULT.<name>_ssl_cert_file'],
  }),
  ssl_key_file: path({
    help: 'Private key. Default: key_file of [ssl].',
    mode: 0o640,
    aliases: ['DEFAULT.<name>_ssl_key_file'],
  }),
  ssl_ca_file: path({
    help: 'CA certificates to verify client certificates with. Default: ca_file of [ssl].',
    aliases: ['DEFAULT.<name>_ssl_ca_file'],
  }),
  max_requests: integer({
    default: 0,
    min: 0,
    help: 'Replace a worker after this many requests, or up to a tenth more, so that workers are not replaced all at once. 0 disables this.',
    aliases: ['DEFAULT.<name>_max_requests'],
  }),
  pipeline: string({
    default: '',
    sampleDefault: 'name of the API',
    help: 'App, pipeline or composite of the paste file.',
    aliases: ['DEFAULT.<name>_pipeline'],
  }),
  paths: oneOf(PATHS, {
    sampleDefault: 'paths of [wsgi]',
    help: 'Which paths reach the application: normalize, refuse or as_sent. Applies to all its mounts: run what needs another value as a separate API. Default: paths of [wsgi].',
    aliases: ['DEFAULT.<name>_paths'],
  }),
  cache_control: oneOf(CACHE_CONTROLS, {
    default: 'private',
    help: 'Cache-Control of responses to authenticated callers, unless an action or a filter sets or removes it: private, so that no proxy or CDN gives them to others, or none, no header.',
    aliases: ['DEFAULT.<name>_cache_control'],
  }),
  manager: module({
    help: 'Manager as module:export.',
    aliases: ['DEFAULT.<name>_manager'],
  }),
  ...apiFaultOptions,
});
const BACKLOG = `the kernel queues ${DEFAULT_BACKLOG} connections for a port, or net.core.somaxconn if that is less.`;

writtenElsewhere(apiOptions, {
  meant: { host: "did you mean 'listen'?", bind_host: "did you mean 'listen'?", bind_port: "did you mean 'port'?" },
  removed: {
    listen_backlog: BACKLOG,
    backlog: BACKLOG,
    max_requests_jitter: 'a worker is replaced after max_requests, or up to a tenth more.',
    invalid_input_status: 'it is that of [DEFAULT]; in code, a Router has invalidInputStatus.',
  },
});

/** Options of `[DEFAULT]` that every API reads. */
export const servingOptions = defineOptions('DEFAULT', {
  api_paste_config: path({
    default: 'api-paste.ini',
    aliases: ['wsgi.api_paste_config'],
    help: 'Paste file, beside the configuration files or in their default directories if relative.',
  }),
});

writtenElsewhere(servingOptions, {
  removed: { drain_idle: 'an idle connection stays open for 0.25 s at a stop, for requests on their way.' },
});

/** APIs that an application serves: `api-cli` reads it; an application that chooses its APIs in code may share a file with it. */
export const enabledApisOptions = defineOptions('DEFAULT', {
  enabled_apis: list({
    unique: true,
    help: 'APIs to serve. Default: every [api:<name>], unless enabled_services is set.',
  }),
  enabled_ssl_apis: list({
    unique: true,
    help: 'Enabled APIs to serve over HTTPS, with the certificate of their section or of [ssl].',
  }),
});

/** The part of a Loader that a service needs. */
export interface AppLoader {
  has(name: string): boolean;
  loadApp(name?: string): Promise<LoadedApp>;
  /** Source of the apps, for messages. */
  readonly path?: string;
}

/** Options of a `WSGIService` in addition to its configuration. */
export interface WSGIServiceOptions {
  /** Loader of its app. Default: a Loader of `[DEFAULT] api_paste_config`. */
  readonly loader?: AppLoader;
  /** Use TLS. Default: by `[DEFAULT] enabled_ssl_apis`. */
  readonly useSsl?: boolean;
  /**
   * One or several managers, the first of which is the main one; each an object, a class, a function or the name of a
   * module's export. Classes and functions are called at the start, with a `ManagerContext`. Default: `[api:<name>]
   * manager`.
   */
  readonly manager?: ManagerSource<ManagerContext> | readonly ManagerSource<ManagerContext>[];
  /** Record in the service registry; null: none. Default: by `[servicegroup]`. */
  readonly registration?: Registration | null;
  /** Prefix of the binary's name. Default `portico`. */
  readonly project?: string;
  /** Form of its faults. Default: `fault_style` of `[api:<name>]` or `[DEFAULT]`. */
  readonly faultStyle?: FaultStyle;
  /** `Cache-Control` of responses to authenticated callers. Default: `cache_control` of `[api:<name>]`. */
  readonly cacheControl?: CacheControl;
  /** One worker; and if TLS names no certificate, one that is kept in `state_path`. Default false. */
  readonly dev?: boolean;
  /** Default: standard error. */
  readonly log?: LogOption;
}
