/** The replay of an access log for `api-cli plan --replay`: where the log is, its progress, and the words for what was found. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { targetMask } from '../../app/index.js';
import { UsageError } from '../../config/internal.js';
import { PorticoError } from '../../errors/index.js';
import {
  code,
  escaped,
  linesOf,
  type ReplayChange,
  type ReplayedRoute,
  type ReplayReport,
  replay,
  type StateSource,
  tableOf,
} from '../../plan/index.js';
import { columns } from '../command.js';

/** Runs the requests of a file, or of standard input for `-`, through two states, or beside a log through one; on a terminal with a bar. */
export async function replayed(
  path: string,
  states: readonly [StateSource | null, StateSource],
  api: string | undefined,
): Promise<ReplayReport> {
  const size = await sizeOfLog(path);
  const input = path === '-' ? process.stdin : createReadStream(path);
  let read = 0;
  const counted = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of input) {
      read += (chunk as Buffer).length;
      yield chunk as Buffer;
    }
  };
  const { isTTY } = process.stderr;
  const onProgress = (lines: number): void => void process.stderr.write(`\r${barOf(read, size)} ${lines} lines`);
  const options = { states, api, maskTarget: targetMask([]), onProgress: isTTY ? onProgress : undefined };
  const report = await replay(linesOf(counted()), options);
  if (isTTY) process.stderr.write('\r\u001B[K');
  if (report.lines > 0 && report.requests === 0) throw noRequest(path);
  return report;
}

function noRequest(path: string): PorticoError {
  return new PorticoError('PORTICO_PLAN_LOG', {
    message: `no line of ${path === '-' ? 'standard input' : path} is one of request_log or of the combined format`,
    hint: 'Is it an access log, and is it compressed? Pass the text of a compressed one: zcat access.log.gz | api-cli plan --replay -',
  });
}

/** Returns the size of a log in bytes; of standard input, 0. Throws `UsageError` if there is no such file. */
export async function sizeOfLog(path: string): Promise<number> {
  if (path === '-') return 0;
  const found = await stat(path).catch(() => undefined);
  // A FIFO is the output of another command.
  if (found === undefined || found.isDirectory())
    throw new UsageError(`there is no file ${path}`, '--replay takes an access log, or - for standard input.');
  return found.size;
}

const WIDTH = 30;

function barOf(read: number, size: number): string {
  if (size === 0) return '';
  const filled = Math.min(WIDTH, Math.round((read / size) * WIDTH));
  return `[${'#'.repeat(filled)}${' '.repeat(WIDTH - filled)}]`;
}

/** Returns the words of a change beside the differences: `3 of 4 requests would get 400`. */
export function changeWords(change: ReplayChange, { requests }: ReplayedRoute): string {
  return `${number(change.requests)} of ${number(requests)} requests would ${wordsOf(change)}`;
}

/** Returns the table of the replay: routes with their changes, examples and user agents. */
export function replayText(report: ReplayReport): string {
  const rows = rowsOf(report).map(({ route, text, targets, agents }) => [
    route,
    text,
    targets.join(' '),
    agents.join(', '),
  ]);
  return ['Replay', ...[...columns(rows), ...notesOf(report), sumOf(report)].map((line) => `  ${line}`)].join('\n');
}

/** Returns it as Markdown. */
export function replayMarkdown(report: ReplayReport): string {
  const rows = rowsOf(report).map(({ route, text, targets, agents }) => {
    const sent = targets.map(code).join(' ');
    return [code(route), escaped(text), sent, escaped(agents.join(', '))] as const;
  });
  const notes = [...notesOf(report), sumOf(report)].map((note) => `- ${note}`).join('\n');
  return ['**Replay**', ...(rows.length === 0 ? [] : [tableOf(rows)]), notes].join('\n\n');
}

function rowsOf({ routes }: ReplayReport) {
  return routes.flatMap(({ method, route, requests: all, changes }) =>
    changes.map((change) => ({
      route: `${method} ${route ?? '(no route)'}`,
      text: `${number(change.requests)} of ${number(all)} would ${wordsOf(change)}`,
      targets: change.examples.map(({ target }) => target),
      agents: change.userAgents,
    })),
  );
}

function notesOf({ skipped, unknownApi, unknownBody, unanswered }: ReplayReport): string[] {
  return [
    ['requests whose body the log does not have, so that its schema is not checked', unknownBody],
    ['requests that got no response in time from one of the states', unanswered],
    ['requests for no API of both states (see --api)', unknownApi],
    ['lines without a request', skipped],
  ].flatMap(([text, times]) => (times === 0 ? [] : [`${text}: ${number(times as number)}`]));
}

function sumOf({ lines, requests, changed }: ReplayReport): string {
  return `${number(changed)} of ${number(requests)} requests in ${number(lines)} lines would get another response`;
}

function wordsOf({ before, after }: ReplayChange): string {
  if (after.status !== null) {
    const [issue] = after.issues;
    return `get ${after.status}${issue === undefined ? '' : ` (${issue.text})`}`;
  }
  if (before.status !== null)
    return `reach ${after.action ?? after.route ?? 'the application'} in place of ${before.status}`;
  return `reach ${after.route ?? 'another app'}`;
}

const number = (value: number): string => value.toLocaleString('en-US');
