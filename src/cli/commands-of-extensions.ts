/** Commands of extensions, and what commands get from `api-cli`. */
import { Config } from '../config/index.js';
import { commandLogger, shippedExtensions } from '../config/internal.js';
import { silentLogger } from '../log/internal.js';
import type { CommandContext, CommandFile, Extension } from '../service/index.js';
import { extensionsOf } from '../service/internal.js';
import { addCommand, choice, columns, example, placeText, print, wholeNumber } from './command.js';
import { configurationOf } from './command-line.js';
import { commandsOf } from './validate/extension-errors.js';

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
  return { commands: new Map(objects.flatMap(commandsOf)), isWhole: listed !== undefined };
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
  placeText,
  print,
  wholeNumber,
  log: commandLogger,
  buildApps: async (config, failed) => (await import('./validate/build-apps.js')).buildApps(config, failed),
  makeService: async (config, name) => (await import('./validate/service-named.js')).serviceNamed(config, name),
  applicationFacts: async (config, args) =>
    (await import('./facts/application-facts.js')).applicationFacts(config, args),
  readConfiguration: async (args, { isQuiet = false } = {}) => {
    const { readConfiguration } = await import('./configured/configuration.js');
    return readConfiguration(args, isQuiet ? { log: silentLogger() } : {});
  },
};
