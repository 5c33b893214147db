/**
 * The configuration that a command line names, as it is loaded: without the modules whose options it has. `serve` loads it first, because it says
 * whether there are workers.
 */
import { Config, type LoadOptions } from '../../config/index.js';
import { present, UsageError } from '../../config/internal.js';
import type { ConfigurationArguments, ServeArguments } from '../command-line.js';

/** Loads it. With `collect`, errors in the files are kept for `config.validate()`. */
export function loadConfiguration(
  { configFile, configDir, set = [] }: ConfigurationArguments,
  {
    set: more = [],
    ...rest
  }: Pick<LoadOptions, 'collect' | 'log' | 'argv'> & { readonly set?: readonly string[] } = {},
): Promise<Config> {
  return Config.load({
    argv: false,
    ...present({ files: configFile, dirs: configDir }),
    set: [...set, ...more],
    ...rest,
  });
}

/** Loads that of `serve`. Rejects with a `UsageError` for an option without a name. In a worker it is that of the parent. */
export async function loadServed(args: ServeArguments): Promise<Config> {
  const { enabledApis, enabledServices, enabledSslApis } = args;
  refuseEmpty('--enabled-apis is empty', enabledApis);
  refuseEmpty('--enabled-services is empty', enabledServices);
  const set: string[] = [];
  if (enabledApis !== undefined || enabledServices !== undefined) {
    // The command line names all services that start.
    set.push(`DEFAULT.enabled_apis=${enabledApis ?? ''}`, `DEFAULT.enabled_services=${enabledServices ?? ''}`);
  }
  if (enabledSslApis !== undefined) set.push(`DEFAULT.enabled_ssl_apis=${enabledSslApis}`);
  return loadConfiguration(args, { set, collect: true });
}

function refuseEmpty(message: string, names: string | undefined): void {
  if (names === undefined || names.split(',').some((name) => name.trim() !== '')) return;
  const hint = 'Write names separated by commas, or omit the option to start what the configuration enables.';
  throw new UsageError(message, hint);
}
