/**
 * `api-cli completion`: a script for bash, zsh or fish, generated from the commands, options and choices.
 */
import type { Argument, Command, Option } from 'commander';
import { shellQuoted } from '../text/index.js';
import { choice } from './command.js';
import { addConfigurationOptions } from './command-line.js';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

export function register(program: Command): void {
  const command = program
    .command('completion')
    .description('print a script that completes command lines in a shell')
    .argument('<shell>', 'bash, zsh or fish', choice('<shell>', SHELLS))
    .addHelpText(
      'after',
      '\nExample:\n  source <(api-cli completion bash)\n  api-cli completion fish > ~/.config/fish/completions/api-cli.fish',
    );
  // The configuration lists extensions, whose commands are completed too.
  addConfigurationOptions(command).action((shell: (typeof SHELLS)[number]) => {
    process.stdout.write(SCRIPTS[shell](levelsOf(program)));
  });
}

/** Completions of a word: words, names of files, or none. */
type Values = readonly string[] | 'files' | 'anything';

interface CompletedOption {
  readonly flags: readonly string[];
  readonly help: string;
  /** Its values; undefined if it takes none. */
  readonly values: Values | undefined;
}

/** A command, with its subcommands, options and arguments. */
interface Level {
  /** `config show`; empty for `api-cli` itself. */
  readonly where: string;
  readonly commands: readonly { readonly name: string; readonly help: string }[];
  readonly options: readonly CompletedOption[];
  readonly values: Values;
}

function levelsOf(program: Command): readonly Level[] {
  const serve = program.commands.find((command) => command.name() === 'serve')!;
  const everywhere = program.options.filter(({ long }) => long !== '--version');
  const shown = (command: Command): readonly Command[] =>
    command
      .createHelp()
      .visibleCommands(command)
      .filter((each) => command.commands.includes(each));
  const below = (command: Command, path: readonly string[]): readonly Level[] => {
    const own = path.length === 0 ? [...serve.options, ...program.options] : [...command.options, ...everywhere];
    return [
      {
        where: path.join(' '),
        commands: shown(command).map((inner) => ({ name: inner.name(), help: inner.description() })),
        options: own.map(completedOption).concat(HELP),
        values: valuesOfArguments(command.registeredArguments),
      },
      ...shown(command).flatMap((inner) => below(inner, [...path, inner.name()])),
    ];
  };
  return below(program, []);
}

const HELP: CompletedOption = { flags: ['--help'], help: 'show help', values: undefined };

function completedOption({ short, long, description, flags, required, optional, parseArg }: Option): CompletedOption {
  const values = required || optional ? valuesOf(flags, parseArg) : undefined;
  return { flags: [long, short].filter((flag) => flag !== undefined), help: description, values };
}

function valuesOfArguments(args: readonly Argument[]): Values {
  const known = args.map((argument) => valuesOf(`<${argument.name()}>`, argument.parseArg));
  if (known.includes('files')) return 'files';
  return known.flatMap((values) => (values === 'anything' ? [] : values));
}

/** Returns the values of a {@link choice}; files by the name of the value. */
function valuesOf(flags: string, parse: unknown): Values {
  const words = (parse as { readonly words?: readonly string[] } | undefined)?.words;
  return words ?? (/[<[](?:path|file|before|after)[\]>]/.test(flags) ? 'files' : 'anything');
}

const SCRIPTS: Readonly<Record<(typeof SHELLS)[number], (levels: readonly Level[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

const named = (level: Level, word: string): string => shellQuoted(`${level.where}|${word}`);

/** Returns patterns of a case: matching options, with their level. */
function optionPatterns(levels: readonly Level[], fits: (option: CompletedOption) => boolean): string {
  const patterns = levels.flatMap((level) =>
    level.options.filter(fits).flatMap(({ flags }) => flags.map((flag) => named(level, flag))),
  );
  return patterns.length === 0 ? "'|'" : patterns.join('|');
}

const commandPatterns = (levels: readonly Level[]): string =>
  levels.flatMap((level) => level.commands.map(({ name }) => named(level, name))).join('|');

/** Returns each list of words with the options that take one of them. */
function choices(levels: readonly Level[]): ReadonlyMap<string, readonly string[]> {
  const byWords = new Map<string, string[]>();
  for (const level of levels) {
    for (const { flags, values } of level.options) {
      if (typeof values !== 'object') continue;
      const patterns = byWords.get(values.join(' ')) ?? [];
      byWords.set(values.join(' '), [...patterns, ...flags.map((flag) => named(level, flag))]);
    }
  }
  return byWords;
}

/**
 * Returns the common code of bash and zsh: it finds the level of the preceding words, the values of the word before the cursor, and else
 * the completions of the level. `words`: their list, which begins with the command's name at `from`; `cursor`: the index of the word being typed.
 */
function casesOf(
  levels: readonly Level[],
  { words, from, cursor }: { readonly words: string; readonly from: number; readonly cursor: string },
  wanted: (choice: string) => string,
  offered: (level: Level) => string,
): string {
  const takes = (fits: (values: Values) => boolean): string =>
    optionPatterns(levels, ({ values }) => values !== undefined && fits(values));
  const fixed = [...choices(levels)].map(
    ([choice, patterns]) => `    (${patterns.join('|')}) ${wanted(choice)}; only=yes ;;`,
  );
  const next = levels.map((level) => {
    const files = level.values === 'files' ? '; files=yes' : '';
    return `    (${shellQuoted(level.where)}) ${offered(level)}${files} ;;`;
  });
  return `  for ((at = ${from + 1}; at < ${cursor}; at++)); do
    case "$where|\${${words}[at]}" in
    (${takes(() => true)}) ((at++)) ;;
    (${commandPatterns(levels)}) where=\${where:+$where }\${${words}[at]} ;;
    esac
  done
  case "$where|$previous" in
${fixed.join('\n')}
    (${takes((values) => values === 'files')}) files=yes; only=yes ;;
    (${takes((values) => values === 'anything')}) only=yes ;;
  esac
  if [[ -z $only ]]; then
    case "$where" in
${next.join('\n')}
    esac
  fi`;
}

/** Returns the words of a level that are neither options nor values that only the user knows. */
const fixedWords = ({ values }: Level): readonly string[] => (typeof values === 'object' ? values : []);

function bashScript(levels: readonly Level[]): string {
  const offered = (level: Level): string => {
    const names = level.commands.map(({ name }) => name);
    const flags = level.options.flatMap((option) => option.flags);
    return `words=${shellQuoted([...names, ...fixedWords(level), ...flags].join(' '))}`;
  };
  const line = { words: 'COMP_WORDS', from: 0, cursor: 'COMP_CWORD' };
  return `# Completion of api-cli for bash: source <(api-cli completion bash)
_api_cli() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]}
  local where= words= files= only= at
${casesOf(levels, line, (choice) => `words=${shellQuoted(choice)}`, offered)}
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  if [ -n "$files" ]; then
    mapfile -t -O \${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "$current")
    compopt -o filenames 2> /dev/null
  fi
}
complete -F _api_cli api-cli
`;
}

function zshScript(levels: readonly Level[]): string {
  const told = (name: string, help: string): string => shellQuoted(`${name.replaceAll(':', '\\:')}:${help}`);
  const offered = (level: Level): string => {
    const words = [...level.commands.map(({ name, help }) => told(name, help)), ...fixedWords(level).map(shellQuoted)];
    const flags = level.options.flatMap((option) => option.flags.map((flag) => told(flag, option.help)));
    return `found=(${words.join(' ')}); flags=(${flags.join(' ')})`;
  };
  const line = { words: 'words', from: 1, cursor: 'CURRENT' };
  return `#compdef api-cli
# Completion of api-cli for zsh: api-cli completion zsh > a folder of $fpath, as _api-cli
_api_cli() {
  local previous=\${words[CURRENT-1]} where= files= only= at
  local -a found flags
${casesOf(levels, line, (choice) => `found=(${choice})`, offered)}
  (( \${#found} )) && _describe word found
  (( \${#flags} )) && _describe -o option flags
  [[ -n $files ]] && _files
  return 0
}
if [[ \${zsh_eval_context[-1]} == loadautofunc ]]; then _api_cli "$@"; else compdef _api_cli api-cli; fi
`;
}

function fishScript(levels: readonly Level[]): string {
  const lines = levels.flatMap((level) => {
    const condition = shellQuoted(fishCondition(level));
    const files = level.values === 'files' ? [`complete -c api-cli -n ${condition} -F`] : [];
    const words = typeof level.values === 'object' && level.values.length > 0 ? level.values : undefined;
    return [
      ...level.commands.map(
        ({ name, help }) => `complete -c api-cli -n ${condition} -a ${name} -d ${fishQuoted(help)}`,
      ),
      ...(words === undefined ? [] : [`complete -c api-cli -n ${condition} -a ${shellQuoted(words.join(' '))}`]),
      ...files,
      ...level.options.map((option) => `complete -c api-cli -n ${condition} ${fishOption(option)}`),
    ];
  });
  return `# Completion of api-cli for fish: api-cli completion fish > ~/.config/fish/completions/api-cli.fish
complete -c api-cli -f
${lines.join('\n')}
`;
}

/** The words of the level were typed, and none of its subcommands. */
function fishCondition({ where, commands }: Level): string {
  const seen = where === '' ? [] : where.split(' ').map((word) => `__fish_seen_subcommand_from ${word}`);
  const none = commands.map(({ name }) => name).join(' ');
  return [...seen, ...(none === '' ? [] : [`not __fish_seen_subcommand_from ${none}`])].join('; and ');
}

function fishOption({ flags, help, values }: CompletedOption): string {
  const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
  const taken =
    values === undefined
      ? ''
      : values === 'files'
        ? ' -r -F'
        : values === 'anything'
          ? ' -x'
          : ` -x -a ${shellQuoted(values.join(' '))}`;
  return `${names.join(' ')}${taken} -d ${fishQuoted(help)}`;
}

function fishQuoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
