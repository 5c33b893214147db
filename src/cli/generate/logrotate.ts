/**
 * A file for logrotate(8): the log is renamed, and HUP makes the parent and all workers reopen it.
 */
import { resolve } from 'node:path';
import { UsageError } from '../../config/internal.js';
import { type CheckedFile, type Entry, type Lines, lastOf, linesOf, needs, rule } from './compare.js';
import { type Deployment, serviceUnit, writtenBy } from './deployment.js';
import { placeOf, writtenInUnit } from './systemd-unit.js';

export const logrotate: CheckedFile = { lines, read };

function lines(deployment: Deployment, file: readonly Entry[] = []): Lines {
  const path = logFile(deployment);
  const reopen = `systemctl kill --signal=HUP --kill-who=main ${serviceUnit(deployment)}`;
  return [
    writtenBy('logrotate'),
    needs(`${quoted(path)} {`, (name) => matches(name, path), { isOne: true, why: `the service writes to ${path}` }),
    '    daily',
    '    rotate 14',
    '    missingok',
    '    notifempty',
    '    compress',
    '    # The service writes to the renamed file until it reopens the log.',
    '    delaycompress',
    '    # The service creates the new file.',
    '    nocreate',
    '    postrotate',
    `        if systemctl is-active --quiet ${serviceUnit(deployment)}; then ${reopen}; fi`,
    '    endscript',
    '}',
    // Without a new file, the service keeps its own.
    lastOf(file, 'copytruncate') === '' && [
      rule('compress', (value) => value === '' || lastOf(file, 'delaycompress') !== '', {
        why: 'without delaycompress, lines written before the log is reopened are lost',
        hint: 'Write delaycompress.',
      }),
      rule('create', (mode) => !/^\d+\s+(?:root|0)\b/.test(mode), {
        why: 'the service cannot write to a file of root',
        hint: 'Write nocreate, or the User of the unit.',
      }),
      rule('script', (command) => /\bHUP\b|\bkill\b.*\s-1\b/.test(command), {
        isOne: true,
        why: 'without HUP, the service keeps writing to the renamed file',
        hint: `Write postrotate, ${reopen}, endscript.`,
      }),
    ],
  ];
}

/** Returns the path of the log under the unit of `generate systemd`. */
function logFile(deployment: Deployment): string {
  const written = writtenInUnit(deployment).find(({ opt }) => opt === 'log_file');
  if (written !== undefined) return resolve(placeOf(written, deployment));
  throw new UsageError('log_file is not set: the log goes to standard error', 'journald keeps and rotates it.');
}

/** Quotes a name for logrotate, which reads it as a pattern. */
const quoted = (path: string): string =>
  /[\s"'\\*?[\]{}]/.test(path) ? `"${path.replace(/["\\*?[\]{}]/g, '\\$&')}"` : path;

/** Returns the names in a line, without quotes. */
function namesIn(line: string): string[] {
  const words = line.replace(/\{$/, '').matchAll(/"((?:\\.|[^"\\])*)"|'([^']*)'|\S+/g);
  return [...words].map(([word, double, single]) => double ?? single ?? word);
}

/** Reports whether a pattern of glob(7) matches a path. */
function matches(pattern: string, path: string): boolean {
  const expression = pattern.replace(/\\(.)|[*?.+^${}()|]/g, (found, literal?: string) => {
    if (literal !== undefined) return /\w/.test(literal) ? literal : `\\${literal}`;
    return found === '*' ? '[^/]*' : found === '?' ? '[^/]' : `\\${found}`;
  });
  return new RegExp(`^${expression}$`).test(path);
}

/** Reads the names of logs, the words of directives, and the text of scripts. */
function read(text: string): Entry[] {
  const all = linesOf(text);
  const start = all.find(({ written }) => written.endsWith('{'))?.line ?? 1;
  let isScript = false;
  const entries = all.flatMap(({ written, line }) => {
    const [, word = '', rest] = /^(\S+)\s*(.*)$/.exec(written) ?? [];
    if (isScript && word !== 'endscript') return { key: 'script', value: written, line };
    isScript = /^(?:(?:pre|post)rotate|(?:first|last)action|preremove)$/.test(word);
    if (/^["'/]/.test(written)) return namesIn(written).map((value) => ({ key: 'file', value, line }));
    return word === '' ? [] : { key: word, value: rest || 'set', line };
  });
  return [{ key: '', value: '', line: start }, ...entries];
}
