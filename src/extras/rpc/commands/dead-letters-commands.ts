/**
 * `api-cli rpc dead`: remote calls that were not handled in time, were refused, or were returned too often.
 */
import type { Command } from 'commander';
import { countText, didYouMean, formatDuration, PorticoError, printable, UsageError } from 'portico/extension';
import type { CommandContext, OutputArguments } from 'portico/service';
import { type DeadLetter, type DeadLetterFilter, DeadLetters } from '../client/dead-letters.js';
import { withConnection } from './command-connection.js';

interface Selection extends OutputArguments {
  readonly topic?: string;
  readonly all?: boolean;
}

/** Adds `dead` and its commands. */
export function registerDeadLetters(rpc: Command, context: CommandContext): void {
  const { example, print } = context;
  const dead = rpc
    .command('dead')
    .description('messages that expired, were refused, or were redelivered too often')
    .addHelpText('after', example('api-cli rpc dead list --topic compute'));

  add(context, dead, 'list', 'list them, oldest first', 'list --topic compute')
    .option('--topic <name>', 'only those of this topic')
    .action((args: Selection) => show(context, args, { topic: args.topic }, (...shown) => table(context, ...shown)));

  add(context, dead, 'show <id>', 'show one, without the values of its arguments', `show ${ID}`).action(
    (id: string, args: OutputArguments) =>
      show(context, args, { ids: [id] }, (_exchange, letters) => letters.map(details).join('\n\n')),
  );

  addSelection(context, dead, 'replay', 'send them to their queues again').action(
    async (ids: readonly string[], args: Selection) => {
      const outcomes = await change(context, ids, args, (found, filter) => found.replay(filter));
      const failed = outcomes.filter(({ failure }) => failure !== undefined);
      const replayed = outcomes.length - failed.length;
      print(args, { replayed, failed: failed.map(({ letter, failure }) => ({ id: letter.id, failure })) }, () =>
        [
          `replayed ${countText(replayed, 'dead letter')}`,
          ...failed.map(({ letter, failure }) => `${letter.id} is still a dead letter: ${failure}`),
        ].join('\n'),
      );
      process.exitCode = failed.length === 0 ? 0 : 1;
    },
  );

  addSelection(context, dead, 'drop', 'forget them').action(async (ids: readonly string[], args: Selection) => {
    const dropped = (await change(context, ids, args, (found, filter) => found.drop(filter))).length;
    print(args, { dropped }, () => `dropped ${countText(dropped, 'dead letter')}`);
  });
}

const ID = '01a8d29e-7c01-7a60-9c3b-2f0e8b7d4a11';

function add(context: CommandContext, dead: Command, words: string, description: string, line: string): Command {
  return context.addCommand(dead, words, description, `api-cli rpc dead ${line}`).option('--json', 'print JSON');
}

function addSelection(context: CommandContext, dead: Command, name: string, description: string): Command {
  return add(context, dead, `${name} [id...]`, description, `${name} --topic compute`)
    .option('--topic <name>', 'only those of this topic')
    .option('--all', 'all of the exchange');
}

async function show(
  context: CommandContext,
  args: OutputArguments,
  filter: DeadLetterFilter,
  text: (exchange: string, letters: readonly DeadLetter[]) => string,
): Promise<void> {
  await withConnection(context, args, async (connection) => {
    const found = new DeadLetters(connection);
    const letters = await meant(found, filter);
    const document = { schema: 'portico/rpc-dead', version: 1, exchange: found.exchange, letters: letters.map(jsonOf) };
    context.print(args, document, () => text(found.exchange, letters));
  });
}

/** Replays or drops the selected letters. */
function change<T>(
  context: CommandContext,
  ids: readonly string[],
  args: Selection,
  work: (found: DeadLetters, filter: DeadLetterFilter) => Promise<T>,
): Promise<T> {
  const filter = filterOf(ids, args);
  return withConnection(context, args, async (connection) => {
    const found = new DeadLetters(connection);
    if (args.all !== true) await meant(found, filter);
    return work(found, filter);
  });
}

/** Returns the selection of a command line: it names letters, or selects all. */
function filterOf(ids: readonly string[], { topic, all }: Selection): DeadLetterFilter {
  if ((ids.length > 0 ? 1 : 0) + (topic === undefined ? 0 : 1) + (all === true ? 1 : 0) !== 1) {
    throw new UsageError(
      'select messages by ids, --topic <name> or --all',
      'See their ids with api-cli rpc dead list.',
    );
  }
  return ids.length === 0 ? { topic } : { ids };
}

/** Returns the selected letters. Refuses an unknown id; for a topic without letters, names those that have some. */
async function meant(found: DeadLetters, filter: DeadLetterFilter): Promise<readonly DeadLetter[]> {
  const { ids, topic } = filter;
  const letters = await found.list(filter);
  const unknown = ids?.find((id) => letters.every((letter) => letter.id !== id));
  if (unknown !== undefined) {
    const known = (await found.list()).map(({ id }) => id);
    const hint = known.length === 0 ? 'There are no dead letters.' : 'See their ids with api-cli rpc dead list.';
    throw new PorticoError('PORTICO_NO_DEAD_LETTER', {
      message: `no dead letter has the id ${unknown}`,
      hint: didYouMean(unknown, known) ?? hint,
    });
  }
  if (topic !== undefined && letters.length === 0) {
    const topics = new Set((await found.list()).flatMap((letter) => letter.topic ?? []));
    const others =
      topics.size === 0 ? 'There are no dead letters.' : `There are dead letters of ${[...topics].join(', ')}.`;
    const hint = didYouMean(topic, topics) ?? others;
    process.stderr.write(`${printable(`no dead letter is of the topic ${topic}`)}\n  ${printable(hint)}\n`);
  }
  return letters;
}

function jsonOf(letter: DeadLetter): object {
  return {
    id: letter.id,
    topic: letter.topic ?? null,
    host: letter.host ?? null,
    fanout: letter.isFanout,
    method: letter.method ?? null,
    version: letter.version ?? null,
    namespace: letter.namespace ?? null,
    request_id: letter.requestId ?? null,
    arguments: letter.args,
    bytes: letter.bytes,
    died: letter.died?.toISOString() ?? null,
    reason: letter.reason,
  };
}

function table({ columns }: CommandContext, exchange: string, letters: readonly DeadLetter[]): string {
  const topics = new Map<string, number>();
  for (const { topic = 'no topic' } of letters) topics.set(topic, (topics.get(topic) ?? 0) + 1);
  const counts = [...topics].map(([topic, count]) => `${topic} ${count}`).join(', ');
  const total = `${countText(letters.length, 'dead letter')} of the exchange ${exchange}${counts === '' ? '' : `: ${counts}`}`;
  if (letters.length === 0) return total;
  const rows = [
    ['ID', 'TOPIC', 'HOST', 'METHOD', 'DIED', 'REASON'],
    ...letters.map(({ id, topic = '-', isFanout, host = isFanout ? '(fanout)' : '-', method = '-', died, reason }) => [
      id,
      topic,
      host,
      method,
      died === undefined ? '-' : ago(died),
      reason,
    ]),
  ];
  return [...columns(rows), total].join('\n');
}

function details(letter: DeadLetter): string {
  return Object.entries(jsonOf(letter))
    .map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') || '-' : (value ?? '-')] as const)
    .map(([name, value]) => `${name.padEnd(12)} ${printable(String(value))}`)
    .join('\n');
}

function ago(date: Date): string {
  return `${formatDuration(Math.max(0, Math.round((Date.now() - date.getTime()) / 1000)))} ago`;
}
