/** Errors of commands and parts of the status that extensions have: when one is used, and before, for `api-cli check`. */
import type { Command } from 'commander';
import type { Config } from '../../config/index.js';
import { diagnose } from '../../config/internal.js';
import { type Diagnostic, errorText, PorticoError } from '../../errors/index.js';
import { importFailure, thrownAt } from '../../modules/index.js';
import { statusOf } from '../../operating/internal.js';
import type { CommandContext, CommandFile, Extension } from '../../service/index.js';

/** Returns the commands of an extension by name, each with a function that imports its file and rejects with `PORTICO_EXTENSION`. */
export function commandsOf({
  name: extension,
  commands = {},
}: Extension): (readonly [string, () => Promise<CommandFile>])[] {
  return Object.entries(commands).map(([command, load]) => [command, () => checkedFile(extension, command, load)]);
}

/** Returns a file of commands. It rejects, and `register` throws, with `PORTICO_EXTENSION`: the code may be of any package. */
async function checkedFile(extension: string, command: string, load: () => Promise<CommandFile>): Promise<CommandFile> {
  const refuse = (why: string, hint?: string): never => {
    throw new PorticoError('PORTICO_EXTENSION', { message: `the command ${command} of ${extension} ${why}`, hint });
  };
  const failed = (error: unknown): Promise<string> => importFailure(error, extension);
  const hasCommand = (program: Command): boolean => program.commands.some((each) => each.name() === command);
  const file = (await load().catch(async (error: unknown) => refuse(`cannot be loaded: ${await failed(error)}`))) as
    | Partial<CommandFile>
    | undefined;
  if (typeof file?.register !== 'function')
    refuse('has no register()', 'Its file exports: export function register(program, context) { … }.');
  return {
    register(program, context) {
      // A file may have several commands, which it registers together.
      if (hasCommand(program)) return;
      try {
        file!.register!(program, context);
      } catch (error) {
        const place = thrownAt(error);
        refuse(`cannot be registered: ${errorText(error)}${place === undefined ? '' : `, at ${place}`}`);
      }
      if (!hasCommand(program)) refuse('is not added by its register()');
    },
  };
}

/**
 * Returns the errors of extensions that Portico does not ship. Imports their commands, adds them to `command`, which nobody runs, and imports
 * their parts of the status.
 */
export async function extensionErrors(
  config: Config,
  command: Command,
  context: CommandContext,
): Promise<readonly Diagnostic[]> {
  const found: Diagnostic[] = [];
  for (const extension of config.knownExtensions().others as readonly Extension[]) {
    const { name, status } = extension;
    const note = (message: string, hint?: string): void => {
      const at = { code: 'PORTICO_EXTENSION', group: 'DEFAULT', opt: 'extensions', item: name };
      found.push(diagnose(config, { ...at, message, hint }));
    };
    for (const [, load] of commandsOf(extension)) {
      try {
        (await load()).register(command, context);
      } catch (error) {
        if (!(error instanceof PorticoError)) throw error;
        note(error.message, error.hint);
      }
    }
    try {
      if (status !== undefined) statusOf(await status());
    } catch (error) {
      note(`the status of ${name} cannot be loaded: ${await importFailure(error, name)}`);
    }
  }
  return found;
}
