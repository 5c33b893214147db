/**
 * The options of `[DEFAULT]` that say how a program logs.
 */
import { boolean, defineOptions, oneOf, path } from '../config/index.js';

export const logOptions = defineOptions({
  debug: boolean({ default: false, mutable: true, help: 'Log at level debug, whatever log_level says.' }),
  log_level: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'silent'], {
    default: 'info',
    mutable: true,
    help: 'How much is logged. What an operator causes (starts, stops, reloads, numbers of workers) is written at the level notice, which only silent keeps back.',
  }),
  log_format: oneOf(['auto', 'json', 'text'], {
    default: 'auto',
    restart: true,
    help: 'JSON lines, or readable text; auto is text where standard error is a terminal.',
  }),
  log_file: path({
    restart: true,
    help: 'A file that the log is appended to, by the parent and all workers, instead of standard error. SIGHUP opens it anew: rename it first, or copy and truncate it. One that cannot be opened refuses the start.',
  }),
  use_syslog: boolean({
    default: false,
    help: 'There is no way to syslog: true is refused. A service manager takes what is on standard error.',
  }),
});
