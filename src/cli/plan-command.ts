/** `api-cli plan`: what clients of an API would notice of a change, from a comparison of two states of the project. */

import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { UsageError } from '../config/internal.js';
import { PorticoError } from '../errors/index.js';
import {
  checkOut,
  commitOf,
  compareStates,
  counted,
  type Difference,
  failureMarkdown,
  markdownOf,
  mergeBase,
  noRevision,
  type ReplayReport,
  STATUS_BREAKING,
  type State,
  type StateSource,
  stateFrom,
  stateLine,
  textOf,
  withReplay,
} from '../plan/index.js';
import { example, print, unknownName } from './command.js';
import { failureText } from './command-failure.js';
import { addConfigurationOptions, collect, type OutputArguments } from './command-line.js';
import { readDeclared } from './configured/declared-configuration.js';
import { socketOf } from './configured/find-service.js';
import { answerReplay } from './plan/answer-replay.js';
import { builtState } from './plan/built-state.js';
import { changeWords, replayed, replayMarkdown, replayText, sizeOfLog } from './plan/replayed.js';
import { keptFilesText, reloadDifferences, runningStates } from './plan/running-state.js';
import { refuseWrong, withAllErrors } from './validate/validate-all.js';

interface PlanArguments extends OutputArguments {
  readonly oldConfigFile?: readonly string[];
  readonly running?: boolean;
  readonly socket?: string;
  readonly prepare?: string;
  readonly markdown?: boolean;
  readonly replay?: string;
  readonly api?: string;
  readonly state?: string;
  readonly checked?: boolean;
  readonly answerReplay?: boolean;
}

export function register(program: Command): void {
  const command = program
    .command('plan')
    .description('show what clients would notice of a change: two revisions, directories or configurations, compared')
    .argument('[states...]', 'revision or directory before, and the one after (default: HEAD, and the working tree)')
    .option('--old-config-file <path>', 'configuration file of the state before; may repeat', collect)
    .option('--running', 'the running service before, and its files after: what a reload would change')
    .option('--socket <path>', 'with --running: its control socket')
    .option('--prepare <command>', 'run this in the directory of a revision first, such as "npm run build"')
    .option(
      '--replay <log>',
      'run the requests of an access log through both states, up to their actions; - for standard input',
    )
    .option('--api <name>', 'the API of a log whose lines name none')
    .option('--json', 'print one JSON document')
    .option('--markdown', 'print Markdown, for a pull request')
    .addHelpText(
      'after',
      `${example('api-cli plan main')}
Also: api-cli plan v1.2..HEAD, api-cli plan ../old ., api-cli plan --old-config-file production.ini --config-file next.ini.
Status: 0 nothing breaks, 3 something does, 1 a state cannot be built, or check refuses the one after.`,
    );
  command.addOption(command.createOption('--state <key>', 'print the state of this directory').hideHelp());
  command.addOption(command.createOption('--checked', 'with --state: refuse what check refuses').hideHelp());
  command.addOption(
    command.createOption('--answer-replay', 'respond to requests of a replay in this directory').hideHelp(),
  );
  addConfigurationOptions(command).action(async (words: string[], args: PlanArguments) => {
    if (args.answerReplay === true) return answerReplay(await readDeclared(args));
    if (args.state === undefined) return compare(words, args);
    const config = await readDeclared(args);
    const state = await builtState(config, args.state).catch(async (error: unknown) => {
      throw await withAllErrors(error, config);
    });
    if (args.checked === true) await refuseWrong(config);
    process.stdout.write(stateLine(state));
  });
}

/**
 * Removes git's variables for one repository from the environment of this process, and so of all that it starts. A hook has those of its commit,
 * whose index a checkout of another revision would overwrite: the repository is that of the directory, in a hook too.
 */
function forgetGitHook(): void {
  const { stdout } = spawnSync('git', ['rev-parse', '--local-env-vars'], { encoding: 'utf8' });
  for (const name of (stdout ?? '').split('\n').filter((line) => line !== '')) delete process.env[name];
}

interface Compared {
  readonly before: string;
  readonly after: string;
  readonly differences: readonly Difference[];
  readonly replay?: ReplayReport | undefined;
}

async function compared(words: readonly string[], args: PlanArguments): Promise<Compared> {
  if (words.length > 2) {
    throw new UsageError(`plan compares two states, not ${words.length}`, 'Example: api-cli plan v1.2 HEAD');
  }
  const [from, to] = namedStates(words, args);
  const given = args.configFile ?? [];
  return inState(from, args, args.oldConfigFile ?? given, (before) =>
    inState(to, args, given, async (after) => {
      const key = randomUUID();
      // One after another: each may use all CPUs.
      const old = await stateFrom(before, key);
      const now = await stateFrom(after, key, { checked: true });
      refuseUnknownApi(args.api, old, now);
      const differences = compareStates(old, now);
      const replay = args.replay === undefined ? undefined : await replayed(args.replay, [before, after], args.api);
      return { before: before.label, after: after.label, differences, replay };
    }),
  );
}

function refuseUnknownApi(wanted: string | undefined, ...states: readonly State[]): void {
  const names = [...new Set(states.flatMap(({ apis }) => apis.map(({ name }) => name)))];
  if (wanted !== undefined && !names.includes(wanted))
    throw unknownName(`neither state has an API called "${wanted}"`, wanted, names, 'APIs');
}

async function comparedWithRunning(words: readonly string[], args: PlanArguments): Promise<Compared> {
  if (words.length > 0) {
    throw new UsageError(`plan --running compares no ${words.join(' ')}`, 'Leave out --running, or the states.');
  }
  const { before, key, after } = await runningStates(await socketOf(args));
  const now = await stateFrom(after, key, { checked: true });
  refuseUnknownApi(args.api, before, now);
  const kept = keptFilesText(before);
  if (kept !== undefined) process.stderr.write(`warning: ${kept}\n`);
  const differences = reloadDifferences(before, now);
  const replay = args.replay === undefined ? undefined : await replayed(args.replay, [null, after], args.api);
  return { before: 'the running service', after: after.label, differences, replay };
}

async function comparison(words: readonly string[], args: PlanArguments): Promise<Compared> {
  // States are built in seconds.
  if (args.replay !== undefined) await sizeOfLog(args.replay);
  return args.running === true ? comparedWithRunning(words, args) : compared(words, args);
}

async function compare(words: readonly string[], args: PlanArguments): Promise<void> {
  forgetGitHook();
  const {
    before,
    after,
    differences: ofStates,
    replay,
  } = await comparison(words, args).catch((error: unknown) => {
    if (args.markdown === true && args.json !== true) process.stdout.write(`${failureMarkdown(failureText(error))}\n`);
    throw error;
  });
  const { differences, noted } =
    replay === undefined ? { differences: ofStates, noted: undefined } : withReplay(ofStates, replay, changeWords);
  const document = { schema: 'portico/plan', version: 1, before, after };
  const text = (): string => {
    if (args.markdown === true) {
      const list = markdownOf(differences, { before, after, noted });
      return replay === undefined ? list : `${list}\n\n${replayMarkdown(replay)}`;
    }
    const list = textOf(differences, noted);
    return replay === undefined ? list : `${list}\n${replayText(replay)}`;
  };
  const counts = counted(differences);
  const found = { ...document, counts, differences };
  print(args, replay === undefined ? found : { ...found, replay }, text);
  process.exitCode = counts.breaking > 0 ? STATUS_BREAKING : 0;
}

/** `a..b` and `a...b` are two revisions, as for git. Without a second state it is the working tree. */
function namedStates([first, second = '.']: readonly string[], args: PlanArguments): readonly [string, string] {
  if (first === undefined) return [args.oldConfigFile === undefined ? 'HEAD' : '.', '.'];
  const [, from, dots, to = ''] = /^(.+?)(\.\.\.?)([^/.].*)?$/.exec(first) ?? [];
  if (from === undefined || second !== '.' || existsSync(first)) return [first, second];
  const later = to || 'HEAD';
  return [dots === '...' ? mergeBase(from, later, process.cwd()) : from, later];
}

/** Calls a function with the source of a state, which is a directory or a revision. */
async function inState<T>(
  name: string,
  { configDir = [], set = [], prepare, oldConfigFile }: PlanArguments,
  configFiles: readonly string[],
  use: (source: StateSource) => Promise<T>,
): Promise<T> {
  const words = (option: string, values: readonly string[]): string[] => values.flatMap((value) => [option, value]);
  const args = [...words('--config-file', configFiles), ...words('--config-dir', configDir), ...words('--set', set)];
  const cwd = process.cwd();
  if (name === '.') {
    const label = oldConfigFile === undefined ? 'the working tree' : configFiles.join(', ') || 'the default files';
    return use({ label, folder: cwd, args });
  }
  const commit = /^\.{0,2}\//.test(name) ? undefined : commitOf(name, cwd);
  if (commit === undefined) {
    if (!existsSync(name)) throw noRevision(name, cwd);
    return use({ label: name, folder: resolve(name), args });
  }
  const { folder, notes, remove } = checkOut(commit, name, cwd);
  try {
    for (const note of notes) process.stderr.write(`note: ${note}\n`);
    if (prepare !== undefined) run(prepare, name, folder);
    return await use({ label: name, folder, args });
  } finally {
    remove();
  }
}

/** Its output is none of the command. */
function run(command: string, name: string, folder: string): void {
  const { status, signal } = spawnSync(command, { cwd: folder, shell: true, stdio: ['ignore', 2, 2] });
  if (status === 0) return;
  throw new PorticoError('PORTICO_PLAN_STATE', {
    message: `${name} cannot be prepared: ${command} ended with ${status ?? signal}`,
    hint: 'It runs in a temporary directory that has the files of the revision, and the packages that are installed here.',
  });
}
