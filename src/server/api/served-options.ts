/** Options of programs that serve APIs, for `api-cli` and other programs. */
import { authOptions, faultOptions } from '../../app/internal.js';
import type { Config, OptionDeclarations } from '../../config/index.js';
import { traceOptions } from '../spans/trace-options.js';
import { sslOptions } from '../tls/ssl-options.js';
import { wsgiOptions } from '../wsgi-options.js';
import { apiOptions, enabledApisOptions, servingOptions } from './api-options.js';

/** Options in addition to those of `[DEFAULT]`. `api:<name>` stands for all such sections. */
export const servedOptions: readonly { readonly group: string; readonly options: OptionDeclarations }[] = [
  { group: 'api', options: authOptions },
  { group: 'api:<name>', options: apiOptions },
  { group: 'wsgi', options: wsgiOptions },
  { group: 'ssl', options: sslOptions },
  { group: 'trace', options: traceOptions },
];

/** Declares all these options: a check of the configuration then knows the names that files may have for APIs. */
export function registerServing(config: Config): void {
  for (const options of [enabledApisOptions, servingOptions, faultOptions]) config.register('DEFAULT', options);
  for (const { group, options } of servedOptions) config.register(group, options);
}
