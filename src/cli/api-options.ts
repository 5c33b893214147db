/**
 * The options of `[DEFAULT]` that say which APIs a program serves, and how it logs.
 */
import { boolean, defineOptions, list, oneOf } from '../config/index.js';

export const apiOptions = defineOptions({
  enabled_apis: list({
    unique: true,
    help: 'The APIs to serve, by the names of their sections in the paste file. Default: every [api:<name>].',
  }),
  enabled_ssl_apis: list({
    unique: true,
    help: 'Those of them that are served over HTTPS, with the certificate of [ssl] or of their own section.',
  }),
});

export const logOptions = defineOptions({
  debug: boolean({ default: false, mutable: true, help: 'Log at level debug, whatever log_level says.' }),
  log_level: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'silent'], {
    default: 'info',
    mutable: true,
    help: 'How much is logged.',
  }),
  log_format: oneOf(['auto', 'json', 'text'], {
    default: 'auto',
    restart: true,
    help: 'JSON lines, or readable text; auto is text where standard error is a terminal.',
  }),
});
