/** The options that belong to no other room: those of configuration itself, and the folders of a program. */
import { multi } from './types/collection-types.js';
import { defineOptions } from './types/define-options.js';
import { boolean } from './types/number-types.js';
import { path } from './types/text-types.js';

/** Options of `[DEFAULT]` that every program has: how the configuration is read, and where files go. */
export const configOptions = defineOptions({
  strict_config: boolean({
    default: false,
    parent: true,
    help: 'Refuse unknown sections and variables instead of warning about them.',
  }),
  os_env_compat: boolean({
    default: false,
    help: 'Read OS_<GROUP>__<OPT> from the environment as well, as oslo.config does.',
  }),
  check_file_modes: boolean({
    default: true,
    parent: true,
    help: 'Warn when a file that sets a secret may be read by others than its owner.',
  }),
  state_path: path({ default: 'var', help: 'Folder for what outlives the process.' }),
  lock_path: path({ help: 'Folder for lock files. Default: below state_path.' }),
  temp_dir: path({ help: 'Folder for what a process needs while it runs. Default: the one of the system.' }),
  config_source: multi({
    help: 'Names of groups that say where more configuration is read from; files win over it.',
    advanced: true,
  }),
});
