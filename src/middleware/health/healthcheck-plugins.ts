/** The options of a health check, and the built-in plugins. */
import { access } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { boolean, cidr, defineOptions, integer, list, type OptionsOf, path, string, uri } from '../../config/index.js';
import { writtenElsewhere } from '../../config/internal.js';
import type { Logger } from '../../log/index.js';

/** The result of a plugin. */
export interface PluginResult {
  readonly available: boolean;
  /** A short reason, such as `OK` or `DISABLED BY FILE`. */
  readonly reason: string;
  /** A sentence for the detailed response. */
  readonly details?: string | undefined;
}

/** The state of the service that received the request. */
export interface AskedAt {
  readonly port: number | undefined;
  /** Whether the registry has been unreachable for longer than `service_down_time`. */
  readonly recordLost: boolean;
}

/** A check of a health check. Configured as `module:export`, or by name for the built-in plugins. */
export interface HealthcheckPlugin {
  readonly name?: string;
  /**
   * Runs the check. `port` is the local port of the request, `recordLost` the state of the service record; `signal` aborts at the
   * timeout. If it throws, the service is unavailable.
   */
  check(where: AskedAt & { readonly signal: AbortSignal }): PluginResult | Promise<PluginResult>;
  close?(): unknown;
}

/** The options of a health check, for both the app and the filter. */
export const healthcheckOptions = defineOptions({
  path: string({ default: '/healthcheck', help: 'Path of the health check, unless it is an app.' }),
  detailed: boolean({
    default: false,
    help: 'Include details of machine and process, which should not be public.',
  }),
  backends: list({ default: [], help: 'Checks to run, in this order: names or module:export.' }),
  allowed_source_ranges: list({
    item: cidr(),
    default: [],
    help: 'Networks that may ask, by the address of the connection; others get 404. Default: all.',
  }),
  ignore_proxied_requests: boolean({
    default: false,
    help: 'Respond with 404 to requests that a proxy forwards.',
  }),
  disable_by_file_path: path({
    help: 'File of disable_by_file: unavailable while it exists.',
  }),
  disable_by_file_paths: list({
    item: string({ regex: /^\d{1,5}:.+/ }),
    default: [],
    help: 'Files of disable_by_files_ports, as port:path: unavailable on the port while the file exists.',
  }),
  enable_by_file_paths: list({
    default: [],
    help: 'Files of enable_by_files: unavailable while one is missing.',
  }),
  max_delay_ms: integer({
    default: 1000,
    min: 1,
    help: 'Delay of the event loop above which event_loop is unavailable.',
  }),
  url: uri({ schemes: ['http', 'https'], help: 'URL that http requests: it must respond with 2xx.' }),
});

writtenElsewhere(healthcheckOptions, {
  meant: { disable_path: 'write disable_by_file_path, and backends = disable_by_file' },
});

/** The options of a plugin. */
type Settings = OptionsOf<typeof healthcheckOptions>;

const OK: PluginResult = { available: true, reason: 'OK' };

/** Unavailable while a file exists. */
function disableByFile(settings: Settings, log: Logger): HealthcheckPlugin {
  const warn = once(() => log.warn('healthcheck: disable_by_file has no disable_by_file_path, so it is always OK'));
  return {
    async check() {
      const file = settings.disableByFilePath;
      if (file === undefined) warn();
      if (file === undefined || !(await exists(file))) return OK;
      return { available: false, reason: 'DISABLED BY FILE', details: `${file} exists` };
    },
  };
}

/** Unavailable while the file for the local port of the request exists. */
function disableByFilesPorts(settings: Settings, log: Logger): HealthcheckPlugin {
  const warned = new Set<number | undefined>();
  return {
    async check({ port }) {
      const path = pathsByPort(settings.disableByFilePaths).get(port);
      if (path === undefined) {
        if (!warned.has(port)) log.warn({ port }, 'healthcheck: disable_by_file_paths has no file for this port');
        warned.add(port);
        return OK;
      }
      if (!(await exists(path))) return OK;
      return { available: false, reason: 'DISABLED BY FILE', details: `${path} exists` };
    },
  };
}

/** Unavailable while one of several files is missing. */
function enableByFiles(settings: Settings): HealthcheckPlugin {
  return {
    async check() {
      for (const path of settings.enableByFilePaths) {
        if (await exists(path)) continue;
        return { available: false, reason: 'FILE PATH MISSING', details: `${path} does not exist` };
      }
      return OK;
    },
  };
}

/** Unavailable if the event loop was delayed by more than the limit since the last check. */
function eventLoop(settings: Settings): HealthcheckPlugin {
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  return {
    check() {
      const lateMs = delay.max / 1e6;
      delay.reset();
      const limit = settings.maxDelayMs;
      if (!(lateMs > limit)) return OK;
      return { available: false, reason: 'EVENT LOOP DELAYED', details: `${lateMs.toFixed(0)} ms, limit ${limit} ms` };
    },
    close: () => delay.disable(),
  };
}

/** Unavailable if heartbeats do not reach the registry, because other services then regard this one as down. */
function serviceRecord(): HealthcheckPlugin {
  return {
    check({ recordLost }) {
      if (!recordLost) return OK;
      const details = 'no heartbeat has reached the service registry for longer than service_down_time';
      return { available: false, reason: 'SERVICE RECORD LOST', details };
    },
  };
}

/** Unavailable if another service does not respond with 2xx. */
function http(settings: Settings): HealthcheckPlugin {
  return {
    async check({ signal }) {
      const { url } = settings;
      if (url === undefined) return OK;
      const response = await fetch(url, { signal, redirect: 'manual' });
      await response.body?.cancel();
      return response.ok
        ? OK
        : { available: false, reason: 'HTTP CHECK FAILED', details: `${url} responded ${response.status}` };
    },
  };
}

/** The built-in plugins by name, each with a function that creates it. */
export const SHIPPED_PLUGINS: Readonly<Record<string, (settings: Settings, log: Logger) => HealthcheckPlugin>> = {
  disable_by_file: disableByFile,
  disable_by_files_ports: disableByFilesPorts,
  enable_by_files: enableByFiles,
  event_loop: eventLoop,
  http,
  service_record: serviceRecord,
};

/** Parses entries of the form `port:path`. The first colon is the separator. */
function pathsByPort(entries: readonly string[]): Map<number | undefined, string> {
  return new Map(
    entries.map((entry) => {
      const colon = entry.indexOf(':');
      return [Number(entry.slice(0, colon)), entry.slice(colon + 1)];
    }),
  );
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function once(act: () => void): () => void {
  let done = false;
  return () => {
    if (!done) act();
    done = true;
  };
}
