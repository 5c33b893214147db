/**
 * Settings of one API: addresses, workers, certificates, and the options of its server.
 */
import './cross-checks.js';
import { CACHE_CONTROL, checkFaultForm } from '../../app/internal.js';
import type { Config, ListenValue, OptionsOf } from '../../config/index.js';
import { ConfigError, diagnose } from '../../config/internal.js';
import {
  gatherRefusals,
  type Location,
  locationText,
  PorticoError,
  refuseUnknownOptions,
  refuseWrongValues,
  whatItIs,
} from '../../errors/index.js';
import type { ListenAddress } from '../../service/index.js';
import { isOneProcess } from '../../service/internal.js';
import type { ServerOptions } from '../server-options.js';
import { type WsgiOptions, wsgiOptions } from '../wsgi-options.js';
import { apiOptions, type WSGIServiceOptions } from './api-options.js';

/** The options of one API, checked. */
export interface ApiSettings {
  readonly options: OptionsOf<typeof apiOptions>;
  readonly address: ListenAddress;
  /** Number of processes that serve it. */
  readonly workers: number;
  /** App of the paste file. */
  readonly pipeline: string;
}

/** Reads `[api:<name>]`. Throws a refusal with all its errors, except undeclared names: the API's code, not loaded yet, may own them. */
export function apiSettings(config: Config, name: string): ApiSettings {
  const [options, workers, address] = gatherRefusals(
    () => config.api(name, apiOptions, { partial: true }),
    () => workersOf(config, name),
    () => listenAddressOf(config, name),
  );
  return {
    options,
    // Without a refusal both are there.
    address: address!,
    workers: workers!,
    pipeline: options.pipeline === '' ? name : options.pipeline,
  };
}

/** Returns the options of an API's server: address, limits, times and style; all but certificates. */
export function serverOptionsOf(config: Config, { address, options }: ApiSettings): ServerOptions {
  const { maxRequests } = options;
  const limits = config.group('wsgi', wsgiOptions);
  return {
    ...limits,
    ...address,
    paths: options.paths ?? limits.paths,
    cacheControl: options.cacheControl,
    // Up to a tenth more: workers that start together are not replaced together.
    maxRequests: maxRequests + Math.floor(Math.random() * (maxRequests / 10)),
  };
}

/** Returns which paths reach the application of an API; without a name, by `[wsgi]` alone. */
export function pathsOf(config: Config, name?: string): WsgiOptions['paths'] {
  const own = name === undefined ? undefined : config.api(name, apiOptions, { partial: true }).paths;
  return own ?? config.group('wsgi', wsgiOptions).paths;
}

const NAMES: readonly (keyof WSGIServiceOptions)[] = [
  'loader',
  'useSsl',
  'manager',
  'registration',
  'project',
  'dev',
  'faultStyle',
  'cacheControl',
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
  refuseWrongValues('PORTICO_API_ARGUMENT', 'a WSGIService', options, { cacheControl: CACHE_CONTROL });
}

/** nova's rule: APIs with this prefix use the number of workers of the compute API. */
const SHARED_WORKERS = { prefix: 'openstack_compute_api', from: 'osapi_compute' };

function workersOf(config: Config, name: string): number | undefined {
  const isSet = config.resolve(`api:${name}`, 'workers').location.kind !== 'default';
  const shared = !isSet && name.startsWith(SHARED_WORKERS.prefix);
  const source = shared ? SHARED_WORKERS.from : name;
  if (shared) config.api(source, apiOptions, { partial: true });
  const workers = optionOf<number>(config, source, 'workers');
  if (workers === undefined) return undefined;
  if (workers >= 1) return isOneProcess(config) ? 1 : workers;
  throw wrong(config, source, 'workers', {
    message: `a value of ${workers} is invalid, must be greater than 0`,
    hint: 'Omit it for one worker per CPU. For one process without workers, write workers = 0 in [DEFAULT]. To stop serving this API, remove it from enabled_apis.',
  });
}

/** Returns the location of an API's address in the configuration; undefined if it has none. */
export function addressPlace(config: Config, name: string): Location | undefined {
  const { listen } = config.api(name, apiOptions, { partial: true });
  // An address without a port needs the location of `port` too.
  const isWhole = listen.kind !== 'tcp' || listen.port !== undefined;
  const locations = (isWhole ? ['listen', 'port'] : ['port', 'listen']).map((opt) =>
    config.getLocation(`api:${name}`, opt),
  );
  return locations.find(({ kind }) => kind !== 'default');
}

function listenAddressOf(config: Config, name: string): ListenAddress | undefined {
  const listen = optionOf<ListenValue>(config, name, 'listen');
  const port = optionOf<number>(config, name, 'port');
  if (listen === undefined || port === undefined) return undefined;
  if (listen.kind === 'unix') return { path: listen.path };
  const own = config.getLocation(`api:${name}`, 'port');
  if (listen.kind === 'tcp' && listen.port !== undefined && listen.port !== port && own.kind !== 'default') {
    const other = locationText(config.getLocation(`api:${name}`, 'listen'));
    throw wrong(config, name, 'port', {
      message: `another port than ${listen.port}, which listen has (${other})`,
      got: port,
      hint: 'Set the port in only one of them.',
    });
  }
  if (listen.kind === 'tcp') return { host: listen.host, port: listen.port ?? port };
  const text = listen.kind === 'fd' ? `fd:${listen.fd}` : `systemd:${listen.name}`;
  throw wrong(config, name, 'listen', {
    message:
      'sockets passed by systemd must not be set here: they are used automatically, by the name of the API or in order',
    got: text,
    hint: `Remove the option; in the socket unit write FileDescriptorName=${name}.`,
  });
}

/** Returns the value of an option; undefined if it is refused, which is reported with the group. */
function optionOf<T>(config: Config, name: string, opt: string): T | undefined {
  return config.resolve(`api:${name}`, opt).value as T | undefined;
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
