/**
 * What only shows when the options of several APIs are looked at together.
 */
import type { CheckIssue, Config } from '../config/index.js';
import { nearestNames } from '../errors.js';
import { Loader, PasteError } from '../loader/index.js';
import { apiOptions as apiSectionOptions, servingOptions } from '../server/index.js';
import { apiOptions } from './api-options.js';
import { missingComma } from './missing-comma.js';

/** The APIs a configuration enables: `enabled_apis`, by default every `[api:<name>]`. */
export function apiNames(config: Config): readonly string[] {
  const { enabledApis } = config.group('DEFAULT', apiOptions, { partial: true });
  return enabledApis.length > 0 ? enabledApis : apiSections(config);
}

/** The names of the sections `[api:<name>]`, in the order of the files. */
export function apiSections(config: Config): readonly string[] {
  const sections = config.listAllSections().filter((section) => section.startsWith('api:'));
  return sections.map((section) => section.slice('api:'.length)).filter((name) => name !== '');
}

/** Adds the checks of this file to a configuration: they run when it is judged, and before a reload is accepted. */
export function addCrossChecks(config: Config): void {
  config.check(sharedAddresses);
  config.check(tlsOfUnknownApis);
  config.check(strangeSections);
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

/** `enabled_ssl_apis` names APIs that are not enabled: harmless, and most often a slip of the pen. */
function tlsOfUnknownApis(config: Config): CheckIssue[] {
  const { enabledSslApis } = config.group('DEFAULT', apiOptions, { partial: true });
  const enabled = apiNames(config);
  const strangers = enabledSslApis.filter((name) => !enabled.includes(name));
  if (strangers.length === 0) return [];
  const message = `names APIs that are not enabled: ${strangers.join(', ')}`;
  const hint = strangers.map((name) => missingComma(name, enabled)).find((comma) => comma !== undefined);
  const advice = hint === undefined ? {} : { hint };
  return [{ group: 'DEFAULT', opt: 'enabled_ssl_apis', message, ...advice, severity: 'warning' }];
}

/** `[api:]`, and sections of APIs that are not enabled but almost have the name of one that is. */
function strangeSections(config: Config): CheckIssue[] {
  const enabled = apiNames(config);
  const issues: CheckIssue[] = [];
  if (config.listAllSections().includes('api:')) {
    issues.push({ group: 'api:', message: 'this section names no API', hint: 'write [api:<name>]' });
  }
  for (const name of apiSections(config)) {
    const [near] = enabled.includes(name) ? [] : nearestNames(name, enabled);
    if (near === undefined || config.getSectionLocation(`api:${near}`) !== undefined) continue;
    // Where it is the enabled name that is wrong, that is said elsewhere.
    if (!hasApp(config, near)) continue;
    issues.push({
      group: `api:${name}`,
      message: 'no API of that name is enabled',
      hint: `did you mean [api:${near}]?`,
      severity: 'warning',
    });
  }
  return issues;
}

function hasApp(config: Config, name: string): boolean {
  const { apiPasteConfig } = config.group('DEFAULT', servingOptions, { partial: true });
  const path = config.findFile(apiPasteConfig);
  if (path === undefined) return false;
  try {
    return new Loader(path, { config }).has(name);
  } catch (error) {
    // What is wrong with the paste file is found by looking at that.
    if (error instanceof PasteError) return false;
    throw error;
  }
}

const everywhere = new Set(['0.0.0.0', '::', '']);

function overlap(a: string, b: string): boolean {
  return a === b || everywhere.has(a) || everywhere.has(b);
}
