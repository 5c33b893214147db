/** The options of the sample, and the store they name. */
import { mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { sharedByConfig } from 'portico/app';
import type { Config, OptionsOf } from 'portico/config';
import { defineOptions, integer, path, refuseOption, string, workerAssignment } from 'portico/config';
import { openCloud } from './cloud.js';

const most = (what: string, normally: number) => integer({ default: normally, min: 0, help: `Most ${what}.` });

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
  quota_instances: most('servers of one project', 10),
  quota_cores: most('virtual processors of one project', 20),
  quota_ram: most('memory, in MiB, of one project', 51_200),
  quota_key_pairs: most('key pairs of one user', 100),
  quota_server_groups: most('server groups of one project', 10),
});
export type Settings = OptionsOf<typeof sampleOptions>;

const stateOptions = defineOptions({
  state_path: path({ default: 'var', help: 'Folder for what outlives the process.' }),
});

/** The store: one for the APIs of a process. In memory it stays, and an API that starts again finds what was there. */
export const cloudOf = sharedByConfig({
  open: ({ config }) => {
    const name = config.group('sample', sampleOptions).connection.replace(/^sqlite:\/\/\/?/, '');
    if (name === ':memory:') {
      refuseSeveralProcesses(config);
      return openCloud(name);
    }
    const file = resolve(config.group('DEFAULT', stateOptions).statePath, name);
    mkdirSync(dirname(file), { recursive: true });
    return openCloud(file);
  },
  close: (cloud) => cloud.close(),
  keep: (cloud) => !cloud.isShared,
});

/** In memory is refused in a worker that is not alone, because its siblings would not see it. */
function refuseSeveralProcesses(config: Config): void {
  const worker = workerAssignment();
  const apis = config.has('DEFAULT', 'enabled_apis')
    ? (config.resolve('DEFAULT', 'enabled_apis').value as string[])
    : [];
  if (worker === undefined || (worker.workers === 1 && apis.length === 1)) return;
  refuseOption(config, {
    group: 'sample',
    opt: 'connection',
    message: 'sqlite://:memory: is for one process, and this is not the only one',
    hint: 'Name a file: sqlite:///sample.db is below state_path.',
  });
}
