/**
 * The names of APIs: those that are enabled, those that have sections, and those that have an app in the paste file.
 */
import type { Config } from '../config/index.js';
import { Loader, PasteError } from '../loader/index.js';
import { apiOptions, enabledApisOptions, servingOptions } from '../server/internal.js';
import { enabledServiceNames, sectionNames } from './service-names.js';

/** The APIs a configuration enables: `enabled_apis`; every `[api:<name>]` where it enables no service by name either. */
export function apiNames(config: Config): readonly string[] {
  const { enabledApis } = config.group('DEFAULT', enabledApisOptions, { partial: true });
  return enabledApis.length > 0 || enabledServiceNames(config).length > 0 ? enabledApis : sectionNames(config, 'api');
}

/**
 * Says of an API whether the paste file has an app for it. Undefined where there is no paste file that can be read, and
 * where it has none for any enabled API: then it is not the file of this program, or that is what is wrong.
 */
export function appsOf(config: Config): ((name: string) => boolean) | undefined {
  const { apiPasteConfig } = config.group('DEFAULT', servingOptions, { partial: true });
  const path = config.findFile(apiPasteConfig);
  if (path === undefined) return undefined;
  try {
    const loader = new Loader(path, { config });
    const has = (name: string): boolean => loader.has(config.api(name, apiOptions, { partial: true }).pipeline || name);
    return apiNames(config).some(has) ? has : undefined;
  } catch (error) {
    // What is wrong with the paste file is found by looking at that.
    if (error instanceof PasteError) return undefined;
    throw error;
  }
}

/** What to write instead of a name that is several with blanks between them, one of them `known`; else undefined. */
export function missingComma(name: string, known: readonly string[]): string | undefined {
  const words = name.split(/\s+/).filter((word) => word !== '');
  if (words.length < 2 || !words.some((word) => known.includes(word))) return undefined;
  return `A comma is missing: write ${words.join(', ')}.`;
}
