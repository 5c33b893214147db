/**
 * Sections of the configuration that an API does not read.
 */
import type { Config } from '../../config/index.js';
import { isUnknownSection } from '../../config/internal.js';
import type { Diagnostic } from '../../errors/index.js';
import { Loader } from '../../loader/index.js';
import { osloNotificationOptions, osloRabbitOptions, rpcOptions, upgradeLevelOptions } from '../../service/internal.js';
import { declarePasted, mayReadAny } from './strict-names.js';

/** Options of {@link unknownSections}. */
interface UnknownSectionsOptions {
  /** Paste file of the API; undefined if its app comes from elsewhere. */
  readonly path: string | undefined;
  /** Declares the options that ship with the program, loaded or not. Default: the options of remote calls. */
  readonly declare?: (config: Config) => Promise<void> | void;
}

/**
 * Returns warnings of the sections that neither the program, the API's app nor a factory of the paste file has
 * declared; imports all these factories. Called after the app is built. The section of the API's own name is checked
 * with the app. Undefined if a manager may read any section.
 */
export async function unknownSections(
  config: Config,
  name: string,
  { path, declare = declareRemoteCalls }: UnknownSectionsOptions,
): Promise<readonly Diagnostic[] | undefined> {
  if (mayReadAny(config, name)) return undefined;
  const found = unknownIn(config).filter(({ section }) => section?.toLowerCase() !== name.toLowerCase());
  if (found.length === 0) return [];
  const others = config.copy();
  await declare(others);
  const pasted = path === undefined ? undefined : await declarePasted(new Loader(path, { config: others }), others);
  const left = new Map(unknownIn(others).map((each) => [each.section, each]));
  return found.flatMap((each) => {
    const { section = '' } = each;
    const other = left.get(section);
    if (other === undefined || pasted?.has(section.toLowerCase()) === true) return [];
    // Either of the two may suggest a similar name.
    return [hasNearName(each) ? each : other];
  });
}

function declareRemoteCalls(config: Config): void {
  config.register('rpc', rpcOptions);
  config.register('oslo_messaging_rabbit', osloRabbitOptions);
  config.register('oslo_messaging_notifications', osloNotificationOptions);
  config.register('upgrade_levels', upgradeLevelOptions);
}

function unknownIn(config: Config): readonly Diagnostic[] {
  const isWarning = ({ severity, option }: Diagnostic): boolean => severity === 'warning' && option === undefined;
  return config.problems().filter((each) => isUnknownSection(each) && isWarning(each));
}

/** Reports whether a finding suggests a similar name. */
export function hasNearName({ hint }: Diagnostic): boolean {
  return hint?.startsWith('did you mean') === true;
}
