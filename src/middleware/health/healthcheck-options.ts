/**
 * The options of a health check, the same for the app and the filter.
 */
import { boolean, cidr, defineOptions, integer, list, path, string, uri } from '../../config/index.js';

export const healthcheckOptions = defineOptions({
  path: string({ default: '/healthcheck', help: 'The path it answers at, unless it is mounted as an app.' }),
  detailed: boolean({
    default: false,
    mutable: true,
    help: 'Tells about the machine and the process too: not for everybody to see.',
  }),
  backends: list({ default: [], help: 'The plugins that are asked, in this order: names, or module:export.' }),
  allowed_source_ranges: list({
    item: cidr(),
    default: [],
    mutable: true,
    help: 'Networks that may ask; others get 404. The address is that of the connection. None: everybody may.',
  }),
  ignore_proxied_requests: boolean({
    default: false,
    mutable: true,
    help: 'Answers 404 to requests that a proxy forwarded.',
  }),
  cache_ms: integer({ default: 1000, min: 0, help: 'How long the answer of a plugin counts, in milliseconds.' }),
  timeout_ms: integer({ default: 2000, min: 1, help: 'How long a plugin may take, in milliseconds.' }),
  disable_by_file_path: path({ mutable: true, help: 'For disable_by_file: unavailable while this file exists.' }),
  disable_by_file_paths: list({
    item: string({ regex: /^\d{1,5}:.+/ }),
    default: [],
    mutable: true,
    help: 'For disable_by_files_ports: port:path, unavailable on that port while the file exists.',
  }),
  enable_by_file_paths: list({
    default: [],
    mutable: true,
    help: 'For enable_by_files: unavailable while one of these files is missing.',
  }),
  max_delay_ms: integer({
    default: 1000,
    min: 1,
    mutable: true,
    help: 'For event_loop: unavailable when the event loop came later than this.',
  }),
  url: uri({ schemes: ['http', 'https'], help: 'For http: what is asked.' }),
  expect: integer({ min: 100, max: 599, help: 'For http: the status that is wanted. Default: any 2xx.' }),
});
