/** Options that every program with a launcher has. */
import type { OptionDeclarations } from '../config/index.js';
import { metricsOptions } from '../metrics/index.js';
import {
  adminOptions,
  backdoorOptions,
  controlOptions,
  reportOptions,
  supervisorOptions,
} from '../operating/internal.js';
import { heartbeatOptions } from '../registry/internal.js';
import { managerOptions } from '../service/internal.js';
import { launcherOptions } from './launcher-options.js';

/** Options of every program with a launcher, each with its group. */
export const launchedOptions: readonly { readonly group: string; readonly options: OptionDeclarations }[] = [
  { group: 'DEFAULT', options: launcherOptions },
  { group: 'DEFAULT', options: managerOptions },
  { group: 'DEFAULT', options: heartbeatOptions },
  { group: 'DEFAULT', options: backdoorOptions },
  { group: 'DEFAULT', options: supervisorOptions },
  { group: 'control', options: controlOptions },
  { group: 'admin', options: adminOptions },
  { group: 'metrics', options: metricsOptions },
  { group: 'oslo_reports', options: reportOptions },
];
