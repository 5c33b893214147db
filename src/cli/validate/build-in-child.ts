/**
 * Validation of a configuration in a child: modules of an application may print, block or end their process.
 */
import type { Config } from '../../config/index.js';
import { type Diagnostic, PorticoError } from '../../errors/index.js';
import { buildConfiguration } from '../../launch/internal.js';
import { unread } from '../configured/configuration.js';

/**
 * Returns all errors of a configuration, including those of its applications. A child that does not finish is one of them. `starts`: the
 * process that was started ahead as first worker may be that child.
 */
export async function buildInChild(
  config: Config,
  { dev = false, starts = false }: { readonly dev?: boolean; readonly starts?: boolean } = {},
): Promise<readonly Diagnostic[]> {
  const cause = unread(config);
  if (cause.length > 0) return cause;
  try {
    // Without a command the program serves; in such a child it builds instead.
    return await buildConfiguration(config, dev ? ['--dev'] : [], { starts });
  } catch (error) {
    if (!(error instanceof PorticoError)) throw error;
    return error.diagnostics;
  }
}
