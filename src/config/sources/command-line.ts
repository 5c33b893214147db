/**
 * What the command line says about configuration: files, directories, `--set`, and the options that ask for a flag.
 */
import { PorticoError } from '../../errors/index.js';
import { optionKey, sectionKey } from '../../ini/index.js';
import { looksSecret, masked, maskUris } from '../../text/index.js';
import type { Option } from '../types/option.js';
import type { DeclaredGroups } from '../values/declared-groups.js';
import { suggestion } from '../values/issue.js';
import { isSecret } from '../values/mask.js';
import type { Argument } from './sources.js';

/** A command line that cannot be understood: the process ends with status 2. */
export class UsageError extends PorticoError {
  constructor(message: string, hint?: string) {
    super('PORTICO_USAGE', { message, hint });
  }
}

/** A command line, taken apart. */
export interface CommandLine {
  readonly configFiles: readonly string[];
  readonly configDirs: readonly string[];
  readonly arguments: readonly Argument[];
  /** Words that are not options, and everything after `--`. */
  readonly positional: readonly string[];
  readonly help: boolean;
  readonly version: boolean;
}

/**
 * Takes arguments apart: `--config-file F`, `--config-dir D`, `--set group.opt=value`, `--help`, `--version`, and
 * `--<group>-<option>` (`--<option>` for `[DEFAULT]`) of options declared with `cli`. A flag without value is
 * `--flag`, `--no-flag` or `--noflag`. Names are never completed. Throws {@link UsageError}.
 */
export function parseCommandLine(argv: readonly string[], flags: ReadonlyMap<string, Flag>): CommandLine {
  const found = {
    configFiles: [] as string[],
    configDirs: [] as string[],
    arguments: [] as Argument[],
    positional: [] as string[],
  };
  let [help, version] = [false, false];
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? '';
    const index = at + 1;
    if (word === '--') {
      found.positional.push(...argv.slice(index));
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      found.positional.push(word);
      continue;
    }
    const equals = word.indexOf('=');
    const name = (equals < 0 ? word : word.slice(0, equals)).replaceAll('_', '-');
    const attached = equals < 0 ? undefined : word.slice(equals + 1);
    const value = (): string => {
      if (attached !== undefined) return attached;
      const next = argv[++at];
      if (next === undefined) throw new UsageError(`${name} needs a value`);
      return next;
    };
    const flag = flags.get(name);
    if (name === '--config-file') found.configFiles.push(value());
    else if (name === '--config-dir') found.configDirs.push(value());
    else if (name === '--set') found.arguments.push(parseSetting(value(), index));
    else if (name === '--help' || name === '-h') help = true;
    else if (name === '--version') version = true;
    else if (flag === undefined)
      throw new UsageError(`unknown argument ${name}`, suggestion(name, [...standardNames, ...flags.keys()]));
    else
      found.arguments.push({
        ...flag.target,
        value: flag.fixed ?? attached ?? (flag.needsValue ? value() : 'true'),
        index,
      });
  }
  return { ...found, help, version };
}

/** Reads the `group.opt=value` of a `--set`; without group it is `[DEFAULT]`. Throws {@link UsageError}. */
export function parseSetting(text: string, index: number): Argument {
  const equals = text.indexOf('=');
  const name = text.slice(0, Math.max(equals, 0)).trim();
  const dot = name.lastIndexOf('.');
  const [group, opt] = [dot < 0 ? 'DEFAULT' : name.slice(0, dot), name.slice(dot + 1)];
  if (equals < 0 || group === '' || opt === '') {
    throw new UsageError(
      `--set takes group.option=value, such as --set api:compute.workers=4; ${equals < 0 ? 'there is no =' : `got ${name}`}`,
    );
  }
  return { group: sectionKey(group), opt: optionKey(opt), value: text.slice(equals + 1), index };
}

/** An option's flag. */
export interface Flag {
  readonly target: { readonly group: string; readonly opt: string };
  readonly option: Option;
  readonly needsValue: boolean;
  /** What `--no-flag` means. */
  readonly fixed?: string;
}

/** What every program takes, with a word on each. */
const standardFlags: readonly (readonly [name: string, help: string])[] = [
  ['--config-file FILE', 'Reads this file; may be repeated, the last one wins.'],
  ['--config-dir DIR', 'Reads *.conf of this directory, after all files; may be repeated.'],
  ['--set GROUP.OPTION=VALUE', 'Sets any option; may be repeated.'],
  ['--help', 'Prints this text.'],
  ['--version', 'Prints the version.'],
];
const standardNames = standardFlags.map(([name]) => name.split(' ')[0] ?? name);

/** The flags of all options declared with `cli`. */
export function declaredFlags(groups: DeclaredGroups): Map<string, Flag> {
  const flags = new Map<string, Flag>();
  for (const { group, opt, option } of groups.all()) {
    if (option.spec.cli !== true) continue;
    const name = flagName(group, opt);
    const flag: Flag = { target: { group, opt }, option, needsValue: !isSwitch(option) };
    flags.set(`--${name}`, flag);
    if (option.spec.short !== undefined) flags.set(`-${option.spec.short}`, flag);
    if (!isSwitch(option)) continue;
    flags.set(`--no-${name}`, { ...flag, fixed: 'false' });
    flags.set(`--no${name}`, { ...flag, fixed: 'false' });
  }
  return flags;
}

function flagName(group: string, opt: string): string {
  const name = group === 'DEFAULT' ? opt : `${group}-${opt}`;
  return name.replaceAll(/[_.:]/g, '-');
}

function isSwitch(option: Option): boolean {
  return option.type === 'boolean';
}

/** How arguments are masked. */
export interface MaskingOptions {
  /** The options that ask for a flag. Default: none is known. */
  readonly flags?: ReadonlyMap<string, Flag>;
  /** Whether the value of an option must not be seen. Default: of none that is given by `--set`. */
  readonly isHidden?: (group: string, opt: string) => boolean;
  /** What becomes of words that are the value of no option. Default: they are shown without passwords of URIs. */
  readonly word?: (text: string) => string;
}

/** What must not be seen as options are declared: secrets, and values of options that only workers know. */
export function maskingOf(groups: DeclaredGroups): MaskingOptions {
  const isHidden = (group: string, opt: string): boolean => {
    const option = groups.find(group, opt)?.option;
    return option === undefined || isSecret(opt, option);
  };
  return { flags: declaredFlags(groups), isHidden };
}

/**
 * Arguments with the values replaced that must not be seen: of `--set` and of declared flags by what is declared, of the
 * flags of a program's own, and of `name=value`, where the name looks secret.
 */
export function maskArguments(argv: readonly string[], options: MaskingOptions = {}): string[] {
  const { flags = new Map<string, Flag>(), isHidden = () => true, word: shown = maskUris } = options;
  const maskSetting = (text: string): string => {
    const equals = text.indexOf('=');
    if (equals < 0) return masked;
    const name = text.slice(0, equals);
    const dot = name.lastIndexOf('.');
    const group = dot < 0 ? 'DEFAULT' : sectionKey(name.slice(0, dot).trim());
    return isHidden(group, optionKey(name.slice(dot + 1).trim())) ? `${name}=${masked}` : shown(text);
  };
  const hides = (name: string): boolean => {
    const flag = flags.get(name);
    if (flag === undefined) return looksSecret(name);
    return flag.needsValue && isHidden(flag.target.group, flag.target.opt);
  };
  let next: 'setting' | 'value' | undefined;
  return argv.map((word) => {
    const expected = next;
    next = undefined;
    if (expected === 'setting') return maskSetting(word);
    if (expected === 'value') return masked;
    const equals = word.indexOf('=');
    const written = equals < 0 ? word : word.slice(0, equals);
    const name = written.replaceAll('_', '-');
    if (name === '--set' && equals >= 0) return `--set=${maskSetting(word.slice(equals + 1))}`;
    if (name === '--set') next = 'setting';
    else if (equals >= 0 && hides(name)) return `${written}=${masked}`;
    else if (equals < 0 && name.startsWith('-') && hides(name)) next = 'value';
    return shown(word);
  });
}

/** The command line asks for help or the version instead of a start: print `text` and end with status 0. */
export class HelpRequested extends PorticoError {
  readonly text: string;

  constructor(text: string) {
    super('PORTICO_HELP', { message: text });
    this.text = text;
  }
}

/** The arguments of a program: the standard ones and the flags of its options. */
export function helpText(prog: string, flags: ReadonlyMap<string, Flag>): string {
  const own = [...flags]
    .filter(([, flag]) => flag.fixed === undefined)
    .map(([name, { target, option }]): [string, string] => {
      const metavar = option.type === 'boolean' ? '' : ` ${option.spec.metavar ?? target.opt.toUpperCase()}`;
      return [`${name}${metavar}`, option.help];
    });
  const rows = [...standardFlags, ...own];
  const width = Math.max(...rows.map(([name]) => name.length));
  return `Usage: ${prog} [arguments]\n\n${rows.map(([name, help]) => `  ${name.padEnd(width)}  ${help}`).join('\n')}\n`;
}
