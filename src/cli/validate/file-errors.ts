/** The errors of the files that a configuration names: of its paste file, and of a logger for the next start. */
import type { Config } from '../../config/index.js';
import { type Diagnostic, Refusals } from '../../errors/index.js';
import type { WSGIService } from '../../server/index.js';
import { namesIn, pipelineOf } from '../../server/internal.js';
import type { ServiceBase } from '../../service/index.js';
import { loggerName, namedLogger } from '../configured/named-logger.js';

/**
 * Returns the errors of the files that a configuration names. `all`: imports all code that they name. `built`: services that have found errors
 * there when they were built. `embeds`: the application may start other services than the enabled ones, and have no paste file. `factories`: false
 * calls none of the application.
 */
export async function fileErrors(
  config: Config,
  all: boolean,
  built: readonly (Pick<ServiceBase, 'name'> & Partial<Pick<WSGIService, 'walked'>>)[],
  { embeds = false, factories = true }: { readonly embeds?: boolean; readonly factories?: boolean } = {},
): Promise<readonly Diagnostic[]> {
  const names = namesIn(config);
  const ofLogger = await nextLoggerErrors(config);
  if (names.apis.length === 0 && (embeds || names.services.length > 0)) return ofLogger;
  const { pasteErrors } = await import('../../server/internal.js');
  const apis = names.apis.map((name) => {
    const { walked } = built.find((each) => each.name === name) ?? {};
    return { name, pipeline: pipelineOf(config, name), walked };
  });
  return [...ofLogger, ...(await pasteErrors(config, apis, { imports: all, factories }))];
}

/** Returns the error of a logger that a reload leaves to the next start, which would refuse it. */
async function nextLoggerErrors(config: Config): Promise<readonly Diagnostic[]> {
  const refusals = new Refusals();
  const next = config.asWritten();
  if (loggerName(next) !== loggerName(config)) await refusals.gather(() => namedLogger(next));
  return refusals.diagnostics;
}
