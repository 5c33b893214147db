/**
 * A file for logrotate(8): the log is renamed, and HUP makes the parent and all workers reopen it.
 */
import { resolve } from 'node:path';
import { UsageError } from '../../config/internal.js';
import { type Deployment, type DeploymentFile, SERVICE_UNIT, type Tell, writtenBy } from './deployment.js';
import { placeOf, writtenInUnit } from './unit-places.js';

export const logrotate: DeploymentFile = { generate, check };

function generate(deployment: Deployment): string {
  return [
    writtenBy('logrotate'),
    `${quoted(logFile(deployment))} {`,
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
    `        if systemctl is-active --quiet ${SERVICE_UNIT}; then systemctl kill --signal=HUP --kill-who=main ${SERVICE_UNIT}; fi`,
    '    endscript',
    '}',
  ].join('\n');
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

function check(text: string, deployment: Deployment, tell: Tell): void {
  const lines = text.split(/\r?\n/).map((line) => line.trim().replace(/^#.*/, ''));
  const lineOf = (expression: RegExp): number => lines.findIndex((line) => expression.test(line)) + 1;
  const path = logFile(deployment);
  const block = lineOf(/\{$/) || 1;
  const names = lines.filter((line) => /^["'/]/.test(line)).flatMap(namesIn);
  if (!names.some((name) => matches(name, path))) tell(block, `it rotates another file than ${path}`);
  if (lineOf(/^copytruncate\b/) > 0) return;
  if (lineOf(/\bHUP\b|\bkill\b.*\s-1\b/) === 0) {
    const hint = `Write postrotate, systemctl kill --signal=HUP --kill-who=main ${SERVICE_UNIT}, endscript.`;
    tell(block, 'nothing sends HUP: the service keeps writing to the renamed file', hint);
  }
  const compress = lineOf(/^compress\b/);
  if (compress > 0 && lineOf(/^delaycompress\b/) === 0) {
    const message = 'compress without delaycompress: lines written before the log is reopened are lost';
    tell(compress, message, 'Write delaycompress.');
  }
  const create = lineOf(/^create\s+\d+\s+(?:root|0)\b/);
  if (create > 0)
    tell(create, 'root owns the new file: the service cannot write to it', 'Write nocreate, or the User of the unit.');
}
