/**
 * Options of the configuration that were given as command-line options.
 */
import { nearestNames } from '../errors/index.js';
import { shippedOptions } from './shipped-options.js';

/**
 * How the option is set that `flag` names, or sounds like unless `exactly`: `--port 80` by `--set api:<name>.port=80`. Undefined
 * where there is none.
 */
export async function settingsFor(
  flag: string,
  words: readonly string[],
  exactly: boolean,
): Promise<string | undefined> {
  const wanted = flag.replace(/^--(?:no-)?/, '').replaceAll('-', '_');
  const known = (await shippedOptions()).flatMap(({ group, options }) =>
    Object.entries(options).flatMap(([name, { aliases }]) =>
      [name, ...aliases.filter((alias) => /^\w+$/.test(alias))].map((spelling) => ({ group, name: spelling })),
    ),
  );
  const names = new Set(known.map(({ name }) => name));
  const [near = wanted] = names.has(wanted) || exactly ? [] : nearestNames(wanted, names);
  const groups = [...new Set(known.filter(({ name }) => name === near).map(({ group }) => group))];
  if (groups.length === 0) return undefined;
  const settings = groups.slice(0, 3).map((group) => `--set ${group}.${near}=${valueAfter(flag, words) ?? '<value>'}`);
  const more = groups.length > settings.length ? `, or in ${groups.length - settings.length} groups more` : '';
  const filled = settings.some((text) => text.includes('<name>')) ? ', with the name of an API for <name>' : '';
  return `Options of the configuration are set by --set: ${settings.join(', ')}${more}${filled}.`;
}

/** The word that was meant to be the value. */
function valueAfter(flag: string, words: readonly string[]): string | undefined {
  const at = words.findIndex((word) => word === flag || word.startsWith(`${flag}=`));
  const attached = words[at]?.slice(flag.length + 1);
  if (attached !== undefined && attached !== '') return attached;
  const next = words[at + 1];
  return at < 0 || next === undefined || next.startsWith('-') ? undefined : next;
}
