/**
 * Options that a program declares itself: modules named with `--groups` provide them to commands that check its configuration.
 */
import type { Command } from 'commander';
import { type Config, defineOptions, type OptionDeclarations } from '../../config/index.js';
import { isObject, PorticoError, whatItIs } from '../../errors/index.js';
import { importModuleExport } from '../../service/internal.js';
import { collect } from '../command-line.js';

/** Values of the options that {@link addGroups} adds. */
export interface GroupsArguments {
  readonly groups?: readonly string[];
}

/** Declarations of options by group, in the form of `Config.load({ groups })`. */
export type DeclaredGroups = ReadonlyMap<string, OptionDeclarations>;

/** Adds `--groups` to a command. */
export function addGroups(command: Command): Command {
  const help = 'also declare the option groups of this export, as Config.load({ groups }) does; may repeat';
  return command.option('--groups <module:export>', help, collect);
}

/** Imports these modules, relative to the working directory, and returns their groups. Throws the error of an import that fails. */
export async function declaredGroups({ groups: references = [] }: GroupsArguments): Promise<DeclaredGroups> {
  const found = new Map<string, OptionDeclarations>();
  for (const reference of references) {
    const groups = await importModuleExport(reference, { folder: process.cwd(), allowExternalModules: true });
    if (!isObject(groups)) throw noGroups(reference, `is ${whatItIs(groups)}`);
    for (const [name, options] of Object.entries(groups)) {
      if (!isObject(options)) throw noGroups(reference, `has ${whatItIs(options)} as ${name}`);
      found.set(name, { ...found.get(name), ...defineOptions(options as OptionDeclarations) });
    }
  }
  return found;
}

/** Declares the options of these groups. */
export function registerGroups(config: Config, groups: DeclaredGroups): void {
  for (const [name, options] of groups) config.register(name, options);
}

function noGroups(reference: string, what: string): PorticoError {
  return new PorticoError('PORTICO_OPTION_DECLARATION', {
    message: `--groups ${reference}: the export ${what}, not groups of options`,
    hint: "Export an object: { storage: defineOptions({ folder: path({ help: '…' }) }) }.",
  });
}
