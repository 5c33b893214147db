/**
 * What a section gives: its local_conf, what it puts into global_conf, and what it takes from there.
 */
import { didYouMean } from '../errors/index.js';
import { type PasteSection, strip } from '../ini/index.js';
import { isLimit } from './limits.js';
import { refuse } from './paste-error.js';
import type { Setting, Source } from './source.js';

/** A section as it was read for one reference to it. */
export interface SectionSettings {
  /** `[DEFAULT]`, what was handed in, and the section's `set` options, later ones winning. */
  readonly globalConf: Map<string, string>;
  readonly localConf: Map<string, Setting>;
  /** The section's own `set` options: repeated by sections that `use` this one's result. */
  readonly additions: ReadonlyMap<string, string>;
}

/** global_conf on arrival in a file: its defaults, and over them what the asking side hands in. */
export function incomingConf(
  source: Source,
  handedIn: ReadonlyMap<string, string> | undefined,
  mistake: (error: unknown) => void,
): Map<string, string> {
  const conf = new Map(source.defaults(mistake));
  for (const [name, value] of handedIn ?? []) conf.set(name, value);
  return conf;
}

/**
 * Reads a section. An option whose name is also a default is dropped unread, whatever it is: PasteDeploy takes it for
 * a global one. `get` comes after all `set`, and after all other options unless it replaces one. An option that
 * cannot be read is given to `mistake` and left out.
 */
export function readSettings(
  source: Source,
  section: PasteSection,
  incoming: ReadonlyMap<string, string>,
  mistake: (error: unknown) => void,
): SectionSettings {
  const localConf = new Map<string, Setting>();
  const additions = new Map<string, string>();
  const taken = new Map<string, Setting>();
  // The section's own options, then those of [DEFAULT] that act in every section.
  const others = source.acting().filter(({ name }) => !section.options.has(name));
  for (const option of [...section.options.values(), ...others]) {
    const { name } = option;
    try {
      if (name.startsWith('set ')) additions.set(strip(name.slice(4)), source.read(section, option).value);
      else if (name.startsWith('get ')) taken.set(strip(name.slice(4)), source.read(section, option));
      else if (!source.isDefault(name)) localConf.set(name, source.read(section, option));
    } catch (error) {
      if (isLimit(error)) throw error;
      mistake(error);
    }
  }
  const globalConf = new Map([...incoming, ...additions]);
  for (const [name, wanted] of taken) {
    const value = globalConf.get(wanted.value);
    if (value === undefined) mistake(missingKey(wanted, globalConf));
    else localConf.set(name, { value, option: wanted.option });
  }
  return { globalConf, localConf, additions };
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
