/** The options of configuration itself. */
import { multi } from './collection-types.js';
import { defineOptions } from './define-options.js';
import { boolean } from './number-types.js';

/** Options of `[DEFAULT]` that say how the configuration is read. */
export const configOptions = defineOptions({
  strict_config: boolean({
    default: false,
    help: 'Refuse unknown sections and variables instead of warning about them.',
  }),
  os_env_compat: boolean({
    default: false,
    help: 'Read OS_<GROUP>__<OPT> from the environment as well, as oslo.config does.',
  }),
  check_file_modes: boolean({
    default: true,
    help: 'Warn when a file that sets a secret may be read by others than its owner.',
  }),
  config_source: multi({
    help: 'Names of groups that say where more configuration is read from; files win over it.',
    advanced: true,
  }),
});
