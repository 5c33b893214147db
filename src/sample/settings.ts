/** The options of the sample, and the store they name. */
import { mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { FactoryContext } from 'portico/app';
import { type Config, ConfigError, defineOptions, integer, type OptionsOf, path, string } from 'portico/config';
import { type Cloud, openCloud } from './cloud.js';

const quota = (most: number, what: string) => integer({ default: most, min: 0, help: `Most ${what} of one project.` });

/** `[sample]`. */
export const sampleOptions = defineOptions({
  connection: string({
    default: 'sqlite:///sample.db',
    regex: /^sqlite:\/\/(\/.+|:memory:)$/,
    help: 'The store: sqlite:/// and a file, relative to state_path or, with a fourth slash, absolute; or sqlite://:memory:.',
  }),
  transition_ms: integer({
    default: 300,
    min: 0,
    help: 'How long servers take from one state to the next, in milliseconds.',
  }),
  max_limit: integer({ default: 1000, min: 1, help: 'Most items of one page of a list.' }),
  quota_instances: quota(10, 'servers'),
  quota_cores: quota(20, 'virtual processors'),
  quota_ram: quota(51_200, 'memory, in MiB,'),
  quota_key_pairs: integer({ default: 100, min: 0, help: 'Most key pairs of one user.' }),
  quota_server_groups: quota(10, 'server groups'),
});
export type Settings = OptionsOf<typeof sampleOptions>;

const stateOptions = defineOptions({
  state_path: path({ default: 'var', help: 'Folder for what outlives the process.' }),
});

/** The stores that are open, by configuration: the APIs of a process share one. */
const stores = new WeakMap<Config, { readonly cloud: Cloud; users: number }>();

/**
 * The store of a configuration, until the app is closed. `:memory:` stays: an API that starts again finds what was there.
 * It is refused in a worker that is not alone, because its siblings would not see it.
 */
export function cloudOf(ctx: FactoryContext, { connection }: Settings): Cloud {
  const { config } = ctx;
  const file = connection.replace(/^sqlite:\/\/\/?/, '');
  const inMemory = file === ':memory:';
  if (inMemory) refuseSeveralProcesses(config);
  const store = stores.get(config) ?? { cloud: inMemory ? openCloud(file) : openFile(config, file), users: 0 };
  stores.set(config, store);
  store.users += 1;
  ctx.onClose(() => {
    store.users -= 1;
    if (store.users > 0 || inMemory) return;
    stores.delete(config);
    store.cloud.close();
  });
  return store.cloud;
}

function openFile(config: Config, file: string): Cloud {
  const path = resolve(config.group('DEFAULT', stateOptions).statePath, file);
  mkdirSync(dirname(path), { recursive: true });
  return openCloud(path);
}

/** What launch tells a worker about itself. */
type Worker = { readonly assignment?: { readonly workers: number } };

function refuseSeveralProcesses(config: Config): void {
  const worker = (process as unknown as Record<symbol, Worker | undefined>)[Symbol.for('portico.worker')];
  const apis = config.has('DEFAULT', 'enabled_apis')
    ? (config.resolve('DEFAULT', 'enabled_apis').value as string[])
    : [];
  if (worker === undefined || (worker.assignment?.workers === 1 && apis.length === 1)) return;
  const issue = {
    severity: 'error',
    code: 'PORTICO_CONFIG_SAMPLE_MEMORY',
    group: 'sample',
    opt: 'connection',
  } as const;
  const location = config.getLocation('sample', 'connection');
  const message = 'sqlite://:memory: is for one process, and this is not the only one';
  throw new ConfigError([
    { ...issue, location, message, hint: 'Name a file: sqlite:///sample.db is below state_path.' },
  ]);
}
