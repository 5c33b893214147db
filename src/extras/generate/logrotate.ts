/**
 * A file for logrotate(8): the log is renamed, and SIGHUP makes the parent and all workers reopen it.
 */
import { resolve } from 'node:path';
import { UsageError } from 'portico/extension';
import { type Deployment, serviceUnit, writtenBy } from './deployment.js';
import type { DeploymentFile, Lines } from './deployment-file.js';
import { placeOf, writtenInUnit } from './systemd-unit.js';

export const logrotate: DeploymentFile = { lines };

function lines(deployment: Deployment): Lines {
  const path = logFile(deployment);
  const reopen = `systemctl kill --signal=HUP --kill-who=main ${serviceUnit(deployment)}`;
  return [
    writtenBy('logrotate', deployment),
    `${quoted(path)} {`,
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
