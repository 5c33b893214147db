/**
 * Settings of one API: addresses, workers, certificates, and the options of its server.
 */
import { checkFaultForm } from '../../app/internal.js';
import type { Config, ListenValue, OptionsOf } from '../../config/index.js';
import { ConfigError, diagnose } from '../../config/internal.js';
import { type Place, PorticoError, placeOf, refuseUnknownOptions, whatItIs } from '../../errors/index.js';
import type { ListenAddress } from '../../service/index.js';
import { DEFAULT_BACKLOG } from '../endpoint.js';
import type { ServerOptions } from '../server-options.js';
import { wsgiOptions } from '../wsgi-options.js';
import { apiOptions, servingOptions, type WSGIServiceOptions } from './api-options.js';

/** The options of one API, checked. */
export interface ApiSettings {
  readonly options: OptionsOf<typeof apiOptions>;
  readonly address: ListenAddress;
  readonly workers: number;
  /** App of the paste file. */
  readonly pipeline: string;
}

/**
 * Reads `[api:<name>]`. Throws ConfigError with all its mistakes; undeclared names count only if they are similar to a
 * declared one, because the API's code, not loaded yet, may have options there.
 */
export function apiSettings(config: Config, name: string): ApiSettings {
  refuseMisspelled(config, name);
  const options = config.api(name, apiOptions, { partial: true });
  const workers = workersOf(config, name, options.workers);
  const backlog = options.listenBacklog;
  if (backlog < 1) {
    throw wrong(config, name, 'listen_backlog', {
      message: 'The backlog must be more than 0',
      got: backlog,
      hint: `Omit it for the default, ${DEFAULT_BACKLOG}.`,
    });
  }
  return {
    options,
    address: listenAddressOf(config, name, options.listen, options.port, backlog),
    workers,
    pipeline: options.pipeline === '' ? name : options.pipeline,
  };
}

/** Returns the options of an API's server: address, limits, times and style; all but certificates. */
export function serverOptionsOf(config: Config, { address, options }: ApiSettings): ServerOptions {
  const { maxRequests, maxRequestsJitter } = options;
  return {
    ...config.group('wsgi', wsgiOptions),
    ...address,
    drainIdle: config.group('DEFAULT', servingOptions, { partial: true }).drainIdle,
    maxRequests: maxRequests === 0 ? 0 : maxRequests + Math.floor(Math.random() * (maxRequestsJitter + 1)),
  };
}

const NAMES: readonly (keyof WSGIServiceOptions)[] = [
  'loader',
  'useSsl',
  'manager',
  'registration',
  'project',
  'dev',
  'faultStyle',
  'log',
];

/** Throws `PORTICO_API_ARGUMENT` for an invalid name, configuration or options of an API. */
export function checkArguments(name: unknown, config: unknown, options: WSGIServiceOptions): void {
  const refuse = (message: string): never => {
    throw new PorticoError('PORTICO_API_ARGUMENT', {
      message,
      hint: "Write new WSGIService('compute', config), with config = await Config.load().",
    });
  };
  if (typeof name !== 'string' || name === '') refuse(`the name of an API is a text, not ${whatItIs(name)}`);
  if (typeof (config as Config | null | undefined)?.api !== 'function') {
    refuse(`the configuration of the API "${String(name)}" is a Config, not ${whatItIs(config)}`);
  }
  refuseUnknownOptions('PORTICO_API_ARGUMENT', 'a WSGIService', options, NAMES);
  checkFaultForm('PORTICO_API_ARGUMENT', 'a WSGIService', options);
}

function refuseMisspelled(config: Config, name: string): void {
  try {
    config.api(name, apiOptions);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const issues = error.diagnostics.filter(
      ({ code, hint }) => code !== 'PORTICO_CONFIG_UNKNOWN_OPTION' || hint !== undefined,
    );
    if (issues.length > 0) throw new ConfigError(issues);
  }
}

/** nova's rule: APIs with this prefix use the number of workers of the compute API. */
const SHARED_WORKERS = { prefix: 'openstack_compute_api', from: 'osapi_compute' };

function workersOf(config: Config, name: string, own: number): number {
  const isSet = config.resolve(`api:${name}`, 'workers').location.kind !== 'default';
  const shared = !isSet && name.startsWith(SHARED_WORKERS.prefix);
  const source = shared ? SHARED_WORKERS.from : name;
  const workers = shared ? config.api(source, apiOptions, { partial: true }).workers : own;
  if (workers >= 1) return workers;
  throw wrong(config, source, 'workers', {
    message: `a value of ${workers} is invalid, must be greater than 0`,
    hint: 'Omit it for one worker per processor. To stop serving this API, remove it from enabled_apis.',
  });
}

/** Returns the place of an API's address in the configuration; undefined if it has none. */
export function addressPlace(config: Config, name: string): Place | undefined {
  const { listen } = config.api(name, apiOptions, { partial: true });
  // An address without a port needs the place of `port` too.
  const isWhole = listen.kind !== 'tcp' || listen.port !== undefined;
  const locations = (isWhole ? ['listen', 'port'] : ['port', 'listen']).map((opt) =>
    config.getLocation(`api:${name}`, opt),
  );
  return locations.find(({ kind }) => kind !== 'default');
}

function listenAddressOf(
  config: Config,
  name: string,
  listen: ListenValue,
  port: number,
  backlog: number,
): ListenAddress {
  if (listen.kind === 'unix') return { path: listen.path, backlog };
  const own = config.getLocation(`api:${name}`, 'port');
  if (listen.kind === 'tcp' && listen.port !== undefined && listen.port !== port && own.kind !== 'default') {
    const other = placeOf(config.getLocation(`api:${name}`, 'listen'));
    throw wrong(config, name, 'port', {
      message: `another port than ${listen.port}, which listen has (${other})`,
      got: port,
      hint: 'Set the port in only one of them.',
    });
  }
  if (listen.kind === 'tcp') return { host: listen.host, port: listen.port ?? port, backlog };
  const text = listen.kind === 'fd' ? `fd:${listen.fd}` : `systemd:${listen.name}`;
  throw wrong(config, name, 'listen', {
    message:
      'sockets passed by systemd must not be set here: they are used automatically, by the name of the API or in order',
    got: text,
    hint: `Remove the option; in the socket unit write FileDescriptorName=${name}.`,
  });
}

/** `got` is omitted if the message contains the value. */
function wrong(
  config: Config,
  name: string,
  opt: string,
  { got, ...said }: { readonly message: string; readonly hint: string; readonly got?: string | number },
): ConfigError {
  const found = diagnose(config, { group: `api:${name}`, opt, code: 'PORTICO_CONFIG_VALUE', ...said });
  return new ConfigError([{ ...found, got: got === undefined ? undefined : String(got) }]);
}
