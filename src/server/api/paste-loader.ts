/** The Loader of an API's paste file, in a file that only processes load which build an app: a parent of workers reads its paste file without. */
import type { Config } from '../../config/index.js';
import { Loader } from '../../loader/index.js';
import type { Logger } from '../../log/index.js';
import { configuredPasteFile } from './configured-paste-file.js';

/** Returns a Loader of the file in `[DEFAULT] api_paste_config`. Throws ConfigNotFound, or the errors of the file. */
export function pasteLoader(config: Config, log: Logger, service: string): Loader {
  return new Loader(configuredPasteFile(config), { config, service, log });
}
