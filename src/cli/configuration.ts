/**
 * What every command reads first: the configuration that its options name.
 */
import { contextFacts } from '../app/index.js';
import { Config, type LoadOptions } from '../config/index.js';
import { createLogger, type Logger, type LogLevel } from '../log.js';
import { logOptions } from './api-options.js';
import type { ConfigurationArguments } from './command-line.js';
import { addCrossChecks } from './cross-checks.js';
import { programOptions } from './shipped-options.js';

/** Reads the configuration. With `collect`, what is wrong with the files waits for `config.validate()`. */
export async function readConfiguration(
  given: ConfigurationArguments,
  more: Pick<LoadOptions, 'collect' | 'log'> & { readonly set?: readonly string[] } = {},
): Promise<Config> {
  const { set = [], ...rest } = more;
  const config = await Config.load({
    ...(given.configFile === undefined ? {} : { files: given.configFile }),
    ...(given.configDir === undefined ? {} : { dirs: given.configDir }),
    set: [...(given.set ?? []), ...set],
    ...rest,
  });
  for (const { group, options } of programOptions) config.register(group, options);
  addCrossChecks(config);
  return config;
}

/** The logger that the configuration asks for, with its level as that changes; its own warnings go there too. */
export function configuredLogger(config: Config, format?: 'text'): Logger {
  const { logFormat } = config.group('DEFAULT', logOptions, { partial: true });
  const log = createLogger({ level: levelOf(config), format: format ?? logFormat, facts: contextFacts });
  config.useLogger(log);
  config.onMutate((next) => {
    log.level = levelOf(next);
  });
  return log;
}

function levelOf(config: Config): LogLevel {
  const { debug, logLevel } = config.group('DEFAULT', logOptions, { partial: true });
  return debug ? 'debug' : logLevel;
}
