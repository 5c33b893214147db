/**
 * What differs between two readings of the files among the options that this process does not know: those of filters and
 * apps, which workers alone load.
 */

import { isDeepStrictEqual } from 'node:util';
import { type Place, placeInFile, placeOf } from '../../errors/index.js';
import { masked } from '../../text/index.js';
import { type Sources, variableName } from '../sources/sources.js';
import type { ReloadMethod, ReportedChange } from './changes.js';
import type { Declared } from './generation.js';
import type { State } from './state.js';

/** Where an option is set, and every line that the file has of it. */
interface Setting {
  readonly texts: string[];
  location: Place;
}

/** The options that differ, without their values: what is secret only the workers know. */
export function undeclaredChanges(
  before: State,
  after: State,
  { groups, overrides }: Declared,
  method: ReloadMethod,
): ReportedChange[] {
  const isKnown = (group: string, opt: string): boolean =>
    groups.find(group, opt) !== undefined || overrides.has(`${group}.${opt}`);
  // What workers took up by a mutate is new once; what they could not take up is new to their replacements.
  const layer = method === 'mutate' ? 'mutable' : 'fixed';
  const [old, now] = [before, after].map((state) => settings(state[layer], isKnown));
  return [...new Set([...old!.keys(), ...now!.keys()])].flatMap((option) => {
    const [was, is] = [old!.get(option), now!.get(option)];
    if (isDeepStrictEqual(was?.texts, is?.texts)) return [];
    const shown = (setting: Setting | undefined): string => (setting === undefined ? 'none' : masked);
    const where = is === undefined ? `no longer at ${placeOf(was!.location)}` : placeOf(is.location);
    const effect = method === 'mutate' ? 'by workers, if mutable' : 'by new workers';
    return [{ option, old: shown(was), new: shown(is), where, effect }];
  });
}

/** `group.opt` to what the last file that has it says, where nothing above the files does. */
function settings(sources: Sources, isKnown: (group: string, opt: string) => boolean): Map<string, Setting> {
  const { files, environment, envPrefix } = sources;
  const above = new Set(sources.arguments.map(({ group, opt }) => `${group}.${opt}`));
  const found = new Map<string, Setting>();
  for (const file of files) {
    const own = new Map<string, Setting>();
    for (const { section, name, value, origin } of file.entries) {
      const key = `${section}.${name}`;
      if (isKnown(section, name) || above.has(key) || variableName(envPrefix, section, name) in environment) continue;
      const setting = own.get(key);
      const location = placeInFile(origin, file.kind);
      if (setting === undefined) own.set(key, { texts: [value], location });
      else {
        setting.texts.push(value);
        setting.location = location;
      }
    }
    for (const [key, setting] of own) found.set(key, setting);
  }
  return found;
}
