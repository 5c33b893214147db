/**
 * What only shows when the options of several APIs are looked at together.
 */

import type { Config, OptionMistake } from '../config/index.js';
import { placeOf } from '../errors/index.js';
import { launcherOptions } from '../launch/index.js';
import { apiOptions as apiSectionOptions } from '../server/index.js';
import { managerOptions } from '../service/internal.js';
import { apiNames } from './api-names.js';
import { logOptions } from './api-options.js';
import { misspelledSections, strangeApiSections, tlsOfUnknownApis } from './misspelled-names.js';

/** Adds the checks to a configuration: they run when it is judged, and before a reload is accepted. */
export function addCrossChecks(config: Config): void {
  config.check(sharedAddresses);
  config.check(shutdownTimes);
  config.check(tlsOfUnknownApis);
  config.check(strangeApiSections);
  config.check(misspelledSections);
  config.check(syslogAsked);
}

function syslogAsked(config: Config): OptionMistake[] {
  if (!config.group('DEFAULT', logOptions, { partial: true }).useSyslog) return [];
  const [group, opt] = ['DEFAULT', 'use_syslog'];
  const hint = 'leave it out: systemd and containers take standard error to the journal or to syslog, or set log_file';
  return [{ group, opt, message: 'this program does not write to syslog', hint }];
}

/** Two APIs cannot listen on one address; the second one is told. */
function sharedAddresses(config: Config): OptionMistake[] {
  const issues: OptionMistake[] = [];
  const taken: { readonly name: string; readonly place: string; readonly host: string }[] = [];
  for (const name of apiNames(config)) {
    const { listen, port } = config.api(name, apiSectionOptions, { partial: true });
    if (listen.kind === 'fd' || listen.kind === 'systemd') continue;
    const host = listen.kind === 'tcp' ? listen.host : '';
    const number = listen.kind === 'tcp' ? (listen.port ?? port) : 0;
    // Whoever takes any free port shares it with nobody.
    if (listen.kind === 'tcp' && number === 0) continue;
    const place = listen.kind === 'unix' ? `unix:${listen.path}` : `port ${number}`;
    const other = taken.find((each) => each.place === place && overlap(each.host, host));
    taken.push({ name, place, host });
    if (other === undefined) continue;
    const opt = listen.kind === 'tcp' && listen.port === undefined ? 'port' : 'listen';
    issues.push({
      group: `api:${name}`,
      opt,
      message: `${place} belongs to [api:${other.name}] already`,
      hint: 'give one of them another address',
    });
  }
  return issues;
}

/** Managers that finish in time leave some for what comes after them; who says otherwise is not obeyed. */
function shutdownTimes(config: Config): OptionMistake[] {
  const { managerShutdownTimeout: own } = config.group('DEFAULT', managerOptions, { partial: true });
  const { gracefulShutdownTimeout: whole } = config.group('DEFAULT', launcherOptions, { partial: true });
  const [group, opt] = ['DEFAULT', 'manager_shutdown_timeout'];
  // The default is for the default of the other one.
  if (whole === 0 || own < whole || config.getLocation(group, opt).kind === 'default') return [];
  const place = placeOf(config.getLocation(group, 'graceful_shutdown_timeout'));
  const message = `is not below graceful_shutdown_timeout, ${whole} s${place === '' ? '' : ` (${place})`}: managers get less`;
  const hint = 'set it so much lower that requests and connections have time to end behind the managers';
  return [{ group, opt, message, hint, severity: 'warning' }];
}

const everywhere = new Set(['0.0.0.0', '::', '']);

function overlap(a: string, b: string): boolean {
  return a === b || everywhere.has(a) || everywhere.has(b);
}
