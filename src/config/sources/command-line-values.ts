/**
 * Configuration from the command line: files, directories, `--set`, and options with a flag.
 */
import { PorticoError, suggestion, UsageError } from '../../errors/index.js';
import { optionKey, sectionKey } from '../../ini/index.js';
import { commandLineWords } from '../../process/index.js';
import { looksSecret, masked, maskUris } from '../../text/index.js';
import type { Argument } from '../state.js';
import { isSecret } from '../types/mask.js';
import type { DeclaredGroups, DeclaredOption } from '../values/declared-groups.js';

/**
 * Parses arguments: `--config-file F`, `--config-dir D`, `--set group.opt=value`, `--help`, `--version`, and `--<group>-<option>`
 * (`--<option>` for `[DEFAULT]`) of options declared with `cli`. A flag without value is `--flag`, `--no-flag` or `--noflag`. Names are
 * never completed. `stray`: the first word that is not an option, or follows `--`. Throws {@link UsageError}.
 */
export function parseCommandLine(argv: readonly string[], flags: ReadonlyMap<string, Flag>) {
  const [configFiles, configDirs, settings]: [string[], string[], Argument[]] = [[], [], []];
  let [help, version] = [false, false];
  let stray: string | undefined;
  const takesNext = (word: string): boolean => {
    const flag = flags.get(flagName(word));
    return flag === undefined ? takingValues.includes(flagName(word)) : flag.fixed === undefined && !isSwitch(flag);
  };
  const isFlag = (word: string): boolean => {
    const name = flagName(word.split('=', 1)[0]!);
    return word.startsWith('-') && (flags.has(name) || standardNames.includes(name) || name === '-h' || name === '--');
  };
  for (const { at, word, isOption, value, isAttached } of commandLineWords(argv, takesNext)) {
    if (word === '--') {
      stray ??= argv[at + 1];
      break;
    }
    if (!isOption) {
      stray ??= argv[at];
      continue;
    }
    const name = flagName(word);
    const needed = (): string => {
      if (value === undefined) throw new UsageError(`${name} needs a value`);
      if (!isAttached && isFlag(value))
        throw new UsageError(`${name} needs a value`, `write ${name}=… if the next argument is the value`);
      return value;
    };
    const flag = flags.get(name);
    if (name === '--config-file') configFiles.push(needed());
    else if (name === '--config-dir') configDirs.push(needed());
    else if (name === '--set') settings.push(parseSetting(needed(), at + 1));
    else if (name === '--help' || name === '-h') help = true;
    else if (name === '--version') version = true;
    else if (flag === undefined)
      throw new UsageError(`unknown argument ${name}`, suggestion(name, [...standardNames, ...flags.keys()]));
    else {
      const { group, opt } = flag.wanted;
      const text = flag.fixed ?? (isSwitch(flag) ? (value ?? 'true') : needed());
      settings.push({ group, opt, value: text, index: at + 1 });
    }
  }
  return { configFiles, configDirs, arguments: settings, stray, help, version };
}

/** Returns `--a-b`, which may be written `--a_b`. */
function flagName(word: string): string {
  return word.replaceAll('_', '-');
}

/** Parses the `group.opt=value` of a `--set`; without a group it is `[DEFAULT]`. Throws {@link UsageError}. */
export function parseSetting(text: string, index: number): Argument {
  const equals = text.indexOf('=');
  const name = text.slice(0, Math.max(equals, 0)).trim();
  const { group, opt } = optionNamed(name);
  if (equals < 0 || group === '' || opt === '') {
    throw new UsageError(
      `--set takes group.option=value, such as --set api:compute.workers=4; ${equals < 0 ? 'there is no =' : `got ${name}`}`,
    );
  }
  return { group, opt, value: text.slice(equals + 1), index };
}

/** Parses `group.opt`; without a group it is `[DEFAULT]`. */
export function optionNamed(name: string): { readonly group: string; readonly opt: string } {
  const dot = name.lastIndexOf('.');
  const group = dot < 0 ? 'DEFAULT' : sectionKey(name.slice(0, dot));
  return { group, opt: optionKey(name.slice(dot + 1)) };
}

/** Flag of an option. */
export interface Flag {
  readonly wanted: DeclaredOption;
  /** Value of `--no-flag`. */
  readonly fixed?: string;
}

/** Flags of every application, with their help. */
const standardFlags: readonly (readonly [name: string, help: string])[] = [
  ['--config-file FILE', 'Reads this file; may be repeated, the last one wins.'],
  ['--config-dir DIR', 'Reads *.conf of this directory, after all files; may be repeated.'],
  ['--set GROUP.OPTION=VALUE', 'Sets any option; may be repeated.'],
  ['--help', 'Prints this text.'],
  ['--version', 'Prints the version.'],
];
const standardNames = standardFlags.map(([name]) => name.split(' ')[0]!);
const takingValues = standardFlags.flatMap(([name]) => (name.includes(' ') ? name.split(' ')[0]! : []));

/** Returns the flags of all options declared with `cli`. */
export function declaredFlags(groups: DeclaredGroups): Map<string, Flag> {
  const flags = new Map<string, Flag>();
  for (const wanted of groups.all()) {
    const { group, opt, option } = wanted;
    if (option.spec.cli !== true) continue;
    const name = (group === 'DEFAULT' ? opt : `${group}-${opt}`).replaceAll(/[_.:]/g, '-');
    flags.set(`--${name}`, { wanted });
    if (option.spec.short !== undefined) flags.set(`-${option.spec.short}`, { wanted });
    if (!isSwitch({ wanted })) continue;
    for (const no of [`--no-${name}`, `--no${name}`]) flags.set(no, { wanted, fixed: 'false' });
  }
  return flags;
}

function isSwitch({ wanted }: Flag): boolean {
  return wanted.option.type === 'boolean';
}

/**
 * Masks the values of arguments: of `--set` and of declared flags by the declarations in `groups` (secrets, and options that only workers
 * know), of flags of the application itself, and of `name=value`, if the name looks secret. `shown`: converts all other words.
 */
export function maskArguments(argv: readonly string[], groups?: DeclaredGroups, shown = maskUris): string[] {
  const flags = groups === undefined ? new Map<string, Flag>() : declaredFlags(groups);
  const maskSetting = (text: string): string => {
    const equals = text.indexOf('=');
    if (equals < 0) return masked;
    const { group, opt } = optionNamed(text.slice(0, equals).trim());
    const option = groups?.find(group, opt)?.option;
    const isHidden = option === undefined || isSecret(opt, option);
    return isHidden ? `${text.slice(0, equals)}=${masked}` : shown(text);
  };
  const hides = (name: string): boolean => {
    const flag = flags.get(name);
    if (flag === undefined) return looksSecret(name);
    return !isSwitch(flag) && isSecret(flag.wanted.opt, flag.wanted.option);
  };
  const line = argv.map((word) => shown(word));
  for (const { at, word, value, isAttached } of commandLineWords(
    argv,
    (option) => option === '--set' || hides(flagName(option)),
  )) {
    if (value === undefined) continue;
    const isSetting = word === '--set';
    if (!isSetting && !hides(flagName(word))) continue;
    const covered = isSetting ? maskSetting(value) : masked;
    if (isAttached) line[at] = `${word}=${covered}`;
    else line[at + 1] = covered;
  }
  return line;
}

/** The command line requests help or the version: print `text` and end with status 0. */
export class HelpRequested extends PorticoError {
  readonly text: string;

  constructor(text: string) {
    super('PORTICO_HELP', { message: text });
    this.text = text;
  }
}

/** Returns the help of an application: standard flags and those of its options. */
export function helpText(prog: string, flags: ReadonlyMap<string, Flag>): string {
  const own = [...flags]
    .filter(([, flag]) => flag.fixed === undefined)
    .map(([name, flag]): [string, string] => {
      const { opt, option } = flag.wanted;
      return [isSwitch(flag) ? name : `${name} ${option.spec.metavar ?? opt.toUpperCase()}`, option.help];
    });
  const rows = [...standardFlags, ...own];
  const width = Math.max(...rows.map(([name]) => name.length));
  return `Usage: ${prog} [arguments]\n\n${rows.map(([name, help]) => `  ${name.padEnd(width)}  ${help}`).join('\n')}\n`;
}
