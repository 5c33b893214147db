/**
 * Message for a wrong command line.
 */
import { nearestNames } from '../errors/index.js';
import { bundledOptions } from './configured/bundled-options.js';

/** Returns the error in a command line; for options of the configuration, with the way to set them on it. */
export async function usageText(
  { code, message }: { code: string; message: string },
  words: readonly string[],
): Promise<string> {
  const file =
    code === 'commander.excessArguments' ? words.find((word) => /\.(?:ini|conf|cfg)$/.test(word)) : undefined;
  if (file !== undefined) return `${message}\n  To pass a configuration file, write --config-file ${file}.`;
  const flag = code === 'commander.unknownOption' ? /'(--[^'=]+)/.exec(message)?.[1] : undefined;
  if (flag === undefined) return message;
  // A similar option of the command line is more likely to be intended than one of the configuration.
  const settings = await settingsFor(flag, words, message.includes('Did you mean'));
  return settings === undefined ? message : `error: unknown command line option ${flag}\n  ${settings}`;
}

/**
 * Returns how to set an option of the configuration that was given as one of the command line, or is similar to it unless `exactly`:
 * `--port 80` by `--set api:<name>.port=80`. Undefined if there is none.
 */
async function settingsFor(flag: string, words: readonly string[], exactly: boolean): Promise<string | undefined> {
  const wanted = flag.replace(/^--(?:no-)?/, '').replaceAll('-', '_');
  const known = (await bundledOptions()).flatMap(({ group, options }) =>
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
  return `Set configuration options with --set: ${settings.join(', ')}${more}${filled}.`;
}

/** Returns the word that was intended as the value. */
function valueAfter(flag: string, words: readonly string[]): string | undefined {
  const at = words.findIndex((word) => word === flag || word.startsWith(`${flag}=`));
  const attached = words[at]?.slice(flag.length + 1);
  if (attached !== undefined && attached !== '') return attached;
  const next = words[at + 1];
  return at < 0 || next === undefined || next.startsWith('-') ? undefined : next;
}
