/** The error codes of this directory, for docs/reference/errors.md. */
import type { ErrorCodes } from '../errors/index.js';

export const errorCodes: ErrorCodes = {
  PORTICO_CONFIG_CHECK: {
    cause: 'Options contradict each other.',
    remedy: 'Change one of those that the message names.',
  },
  PORTICO_CONFIG_CONTRADICTION: {
    cause: 'An option has two values in one place: two spellings, or a variable and the same with `_FILE`.',
    remedy: 'Remove one of them.',
  },
  PORTICO_CONFIG_DECLARED_TWICE: {
    cause: 'Two modules declare one option differently.',
    remedy: 'Declare it once, and import the declaration.',
  },
  PORTICO_CONFIG_DEPRECATED: {
    cause: 'An option has another name now, or will be removed; a warning.',
    remedy: 'Use the new name: `api-cli config upgrade`.',
  },
  PORTICO_CONFIG_EXPOSED: {
    cause: 'A secret stands on a command line, or in a file that others may read; a warning.',
    remedy: '`chmod 600` the file, or give the secret by the environment.',
  },
  PORTICO_CONFIG_FILE: {
    cause: 'A configuration file, or a file that an option names, cannot be read.',
    remedy: 'Correct the path or the permissions.',
  },
  PORTICO_CONFIG_IGNORED: {
    cause: 'A changed option needs new workers or a restart, and the reload was a `mutate`; a warning.',
    remedy: 'Restart the service, or reload with `restart_method = reload`.',
  },
  PORTICO_CONFIG_NO_SUCH_OPTION: {
    cause: 'A program asks for an option that is not declared.',
    remedy: 'Declare it with `config.register` first.',
  },
  PORTICO_CONFIG_OVERTAKEN: {
    cause: 'Another reload was accepted while this one was prepared.',
    remedy: 'Prepare it again.',
  },
  PORTICO_CONFIG_REFERENCE: {
    cause: 'A `$name` in a value refers to an option that does not exist, or in a circle.',
    remedy: 'Correct the name; write `$$` for a dollar sign.',
  },
  PORTICO_CONFIG_REFUSED: {
    cause: 'The configuration has errors; the error lists all of them.',
    remedy: 'See the code of each.',
  },
  PORTICO_CONFIG_REPEATED: {
    cause: 'An option stands in a file more than once, and the last line counts; a warning.',
    remedy: 'Keep one of the lines.',
  },
  PORTICO_CONFIG_REQUIRED: {
    cause: 'An option without a default has no value.',
    remedy: 'Set it.',
  },
  PORTICO_CONFIG_SOURCE: {
    cause: 'A configuration source cannot be read; a warning where it is `optional`.',
    remedy: 'Correct its `uri`, or make the server answer.',
  },
  PORTICO_CONFIG_SYNTAX: {
    cause: 'A line of a configuration file is neither an option nor a section.',
    remedy: 'Write `name = value`; a continued line is indented.',
  },
  PORTICO_CONFIG_UNKNOWN_OPTION: {
    cause: 'A section has an option that is not declared.',
    remedy: 'Correct the name; the message has the nearest one.',
  },
  PORTICO_CONFIG_UNKNOWN_SECTION: {
    cause: 'No part of the program declares this section; a warning, an error with `strict_config`.',
    remedy: 'Correct the name, or remove the section.',
  },
  PORTICO_CONFIG_UNKNOWN_VARIABLE: {
    cause: 'A variable of the environment nearly names an option; a warning, an error with `strict_config`.',
    remedy: 'Correct the name: `PORTICO_<GROUP>__<OPTION>`.',
  },
  PORTICO_CONFIG_VALUE: {
    cause: 'A value does not fit the type, range or choices of its option.',
    remedy: 'Write a value that the message allows.',
  },
  PORTICO_HELP: {
    cause: 'A command line asks for help; the error has its text.',
    remedy: 'Print it, and end with status 0.',
  },
  PORTICO_OPTION_DECLARATION: {
    cause: 'The declaration of an option is wrong: a mistake in code.',
    remedy: "Call the function of a type, `integer({ default: 5, help: '…' })`.",
  },
  PORTICO_USAGE: {
    cause: 'A command line is wrong; status 2.',
    remedy: 'The message says what is wanted; `api-cli <command> --help`.',
  },
};
