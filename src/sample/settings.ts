/** The options of the sample, and the store they name. */
import { sharedDatabase, sqliteConnection } from 'portico/app';
import { defineOptions, integer, type OptionsOf } from 'portico/config';
import { openCloud } from './cloud.js';

const most = (what: string, normally: number) => integer({ default: normally, min: 0, help: `Most ${what}.` });

/** `[sample]`. */
export const sampleOptions = defineOptions({
  connection: sqliteConnection({ default: 'sqlite:///sample.db' }),
  transition_ms: integer({ default: 300, min: 0, help: 'Milliseconds from one state of a server to the next.' }),
  max_limit: integer({ default: 1000, min: 1, help: 'Most items of one page of a list.' }),
  quota_instances: most('servers of one project', 10),
  quota_cores: most('virtual processors of one project', 20),
  quota_ram: most('memory, in MiB, of one project', 51_200),
  quota_key_pairs: most('key pairs of one user', 100),
  quota_server_groups: most('server groups of one project', 10),
});
export type Settings = OptionsOf<typeof sampleOptions>;

/** The store: one for the APIs of a process. */
export const cloudOf = sharedDatabase({ group: 'sample', options: sampleOptions, open: openCloud });
