/**
 * What a section gives: its local_conf, what it puts into global_conf, and what it takes from there.
 */

import { didYouMean } from '../errors/index.js';
import type { PasteOption, PasteSection } from '../ini/index.js';
import { strip } from '../ini/index.js';
import { isLimit } from './limits.js';
import { refuse } from './paste-error.js';
import type { Setting, Source } from './source.js';

/** A section as it was read in one place of the tree. */
export interface SectionSettings {
  /** `[DEFAULT]`, what was handed in, and the section's `set` options, later ones winning. */
  readonly globalConf: Map<string, string>;
  readonly localConf: Map<string, Setting>;
  /** The section's own `set` options: repeated by sections that `use` this one's result. */
  readonly additions: ReadonlyMap<string, string>;
}

/** global_conf on arrival in a file: its defaults, and over them what the asking side hands in. */
export function incomingConf(source: Source, handedIn: ReadonlyMap<string, string> | undefined): Map<string, string> {
  const conf = new Map(source.defaults());
  for (const [name, value] of handedIn ?? []) conf.set(name, value);
  return conf;
}

/**
 * Reads a section. An option whose name is also a default is dropped unread, whatever it is: PasteDeploy takes it for
 * a global one. `get` comes after all `set`, and after all other options unless it replaces one. With `report`, an
 * option that cannot be read is reported and left out.
 */
export function readSettings(
  source: Source,
  section: PasteSection,
  incoming: Map<string, string>,
  report?: (error: unknown) => void,
): SectionSettings {
  // Without "set" nothing tells the two apart, and a file of a thousand sections has few of them.
  const sets = setsAnything(source, section);
  const globalConf = sets ? new Map(incoming) : incoming;
  const localConf = new Map<string, Setting>();
  let additions: Map<string, string> | undefined;
  let taken: Map<string, Setting> | undefined;
  const read = (option: PasteOption): void => {
    const { name } = option;
    if (name.startsWith('set ')) {
      const target = strip(name.slice(4));
      const { value } = source.read(section, option);
      additions ??= new Map();
      additions.set(target, value);
      globalConf.set(target, value);
    } else if (name.startsWith('get ')) {
      taken ??= new Map();
      taken.set(strip(name.slice(4)), source.read(section, option));
    } else if (!source.isDefault(name)) {
      localConf.set(name, source.read(section, option));
    }
  };
  const get = (name: string, wanted: Setting): void => {
    const value = globalConf.get(wanted.value);
    if (value === undefined) throw missingKey(wanted, globalConf);
    localConf.set(name, { value, option: wanted.option });
  };
  const failed = (error: unknown): void => {
    if (report === undefined || isLimit(error)) throw error;
    report(error);
  };
  for (const option of actingIn(source, section)) {
    try {
      read(option);
    } catch (error) {
      failed(error);
    }
  }
  for (const [name, wanted] of taken ?? NO_SETTINGS) {
    try {
      get(name, wanted);
    } catch (error) {
      failed(error);
    }
  }
  return { globalConf, localConf, additions: additions ?? NO_TEXTS };
}

const NO_TEXTS: ReadonlyMap<string, string> = new Map();
const NO_SETTINGS: ReadonlyMap<string, Setting> = new Map();

/** The section's own options, then those of `[DEFAULT]` that act in every section. */
function actingIn(source: Source, section: PasteSection): Iterable<PasteOption> {
  const own = section.options.values();
  const others = source.acting().filter(({ name }) => !section.options.has(name));
  return others.length === 0 ? own : [...own, ...others];
}

function setsAnything(source: Source, section: PasteSection): boolean {
  for (const name of section.options.keys()) if (name.startsWith('set ')) return true;
  for (const { name } of source.acting()) if (name.startsWith('set ')) return true;
  return false;
}

function missingKey({ value, option }: Setting, globalConf: ReadonlyMap<string, string>): Error {
  const names = [...globalConf.keys()].filter((name) => name !== 'here' && name !== '__file__');
  const there = names.length === 0 ? 'It is empty.' : `It has: ${names.slice(0, 10).join(', ')}.`;
  return refuse('missing-key', {
    message: `global_conf has no ${JSON.stringify(value)} to get.`,
    hint: `${didYouMean(value, names) ?? there} Define it in [DEFAULT] or with "set ${value} = …".`,
    origin: option.origin,
  });
}
