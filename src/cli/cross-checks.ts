/**
 * What only shows when the options of several APIs are looked at together.
 */
import type { CheckIssue, Config } from '../config/index.js';
import { apiOptions as apiSectionOptions } from '../server/index.js';
import { apiNames } from './api-names.js';
import { misspelledSections, strangeApiSections, tlsOfUnknownApis } from './misspelled-names.js';

/** Adds the checks to a configuration: they run when it is judged, and before a reload is accepted. */
export function addCrossChecks(config: Config): void {
  config.check(sharedAddresses);
  config.check(tlsOfUnknownApis);
  config.check(strangeApiSections);
  config.check(misspelledSections);
}

/** Two APIs cannot listen on one address; the second one is told. */
function sharedAddresses(config: Config): CheckIssue[] {
  const issues: CheckIssue[] = [];
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

const everywhere = new Set(['0.0.0.0', '::', '']);

function overlap(a: string, b: string): boolean {
  return a === b || everywhere.has(a) || everywhere.has(b);
}
