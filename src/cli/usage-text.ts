/**
 * Message for a wrong command line.
 */
import { printable, shellWord } from '../text/index.js';

/** Returns the error in a command line; for what may be meant for the configuration, with the way to write it. */
export function usageText({ code, message }: { code: string; message: string }, words: readonly string[]): string {
  const file = code === 'commander.excessArguments' ? words.find(isConfigurationFile) : undefined;
  if (file !== undefined) return `${message}\n  ${configurationHint(file)}`;
  // A similar option of the command line is more likely to be intended than one of the configuration.
  return code === 'commander.unknownOption' && !message.includes('Did you mean')
    ? `${message}\n  Options of the configuration are set with --set group.option=value.`
    : message;
}

/** Returns the error for a first word that is no command. `commands`: what to say of those that are. */
export function unknownCommandText(word: string, commands: string): string {
  return `error: there is no command "${printable(word)}". ${isConfigurationFile(word) ? configurationHint(word) : commands}`;
}

const isConfigurationFile = (word: string): boolean => /\.(?:ini|conf|cfg)$/.test(word);

const configurationHint = (file: string): string =>
  `To pass a configuration file, write --config-file ${shellWord(printable(file))}.`;
