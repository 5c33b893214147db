/**
 * The other half of a judgement: what a child finds that builds the services of a configuration, as their workers would.
 */
import type { Config } from '../config/index.js';
import { ConfigurationRefused, type Diagnostic, PorticoError } from '../errors/index.js';
import { buildConfiguration } from '../launch/internal.js';
import { unread } from './configuration.js';
import type { GroupsArguments } from './declared-groups.js';

/** All that is wrong with a configuration, the mistakes of its applications included. A child that does not come to its end is one of them. */
export async function buildInChild(
  config: Config,
  { dev = false, groups = [] }: { readonly dev?: boolean } & GroupsArguments = {},
): Promise<readonly Diagnostic[]> {
  const cause = unread(config);
  if (cause.length > 0) return cause;
  try {
    // Without a command it serves, and in such a child builds instead.
    return await buildConfiguration(config, [
      ...(dev ? ['--dev'] : []),
      ...groups.flatMap((each) => ['--groups', each]),
    ]);
  } catch (error) {
    if (error instanceof ConfigurationRefused) return error.diagnostics;
    if (!(error instanceof PorticoError)) throw error;
    const { code, message, hint } = error;
    return [{ severity: 'error', code, message, hint }];
  }
}
