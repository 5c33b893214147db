/**
 * Commands of extensions, and what commands get from the program. Loaded for a line that names a command.
 */
import { Config } from '../config/index.js';
import { commandLogger, shippedExtensions } from '../config/internal.js';
import type { CommandContext, CommandFile, Extension } from '../service/index.js';
import { extensionsOf } from '../service/internal.js';
import { addCommand, choice, columns, example, print, wholeNumber } from './command.js';
import { configurationOf } from './command-line.js';

/** Commands of extensions, by name. */
export type ExtensionCommands = ReadonlyMap<string, () => Promise<CommandFile>>;

/**
 * Returns the commands of extensions: those of the configuration of a command line. `isWhole`: false if it cannot be read, and only those of
 * Portico are known: the command reports why.
 */
export async function extensionCommands(
  words: readonly string[],
): Promise<{ readonly commands: ExtensionCommands; readonly isWhole: boolean }> {
  const listed = await listedExtensions(words).catch(() => undefined);
  const objects = (listed ?? (await shippedExtensions())) as readonly Extension[];
  const commands = new Map(objects.flatMap(({ commands: own = {} }) => Object.entries(own)));
  return { commands, isWhole: listed !== undefined };
}

/** Returns the shipped extension that has a command. */
export async function ownerOfCommand(command: string): Promise<string | undefined> {
  const objects = (await shippedExtensions()) as readonly Extension[];
  return objects.find(({ commands = {} }) => Object.hasOwn(commands, command))?.name;
}

async function listedExtensions(words: readonly string[]): Promise<readonly Extension[]> {
  const { configFile, configDir, set = [] } = configurationOf(words);
  const config = await Config.load({
    argv: false,
    collect: true,
    set,
    ...(configFile && { files: configFile }),
    ...(configDir && { dirs: configDir }),
  });
  return extensionsOf(config);
}

/** The context of all commands. */
export const CONTEXT: CommandContext = {
  addCommand,
  example,
  choice,
  columns,
  print,
  wholeNumber,
  log: commandLogger,
  readConfiguration: async (args) => (await import('./configured/configuration.js')).readConfiguration(args),
};
