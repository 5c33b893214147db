/**
 * Errors that only a comparison of several options of APIs reveals: two APIs with the same address or port, TLS of an API that is not
 * enabled.
 */
import { resolve } from 'node:path';
import type { Config, HostPort, ListenValue, OptionIssue } from '../../config/index.js';
import { crossCheck, isSet } from '../../config/internal.js';
import { locationText, nearestNames } from '../../errors/index.js';
import { mostWorkers } from '../../process/index.js';
import { isOneProcess, isWildcard } from '../../service/internal.js';
import { appsOf, missingComma, type Names, namesIn, readablePaste, serviceOptions } from './api-names.js';
import { apiOptions } from './api-options.js';

for (const check of [
  sharedAddresses,
  portsOfPaths,
  workersOfAll,
  workersAboveMost,
  tlsOfUnknownApis,
  certificatesOfPlainApis,
  unknownSections,
])
  crossCheck((config: Config) => check(config, namesIn(config)));

/** Two APIs cannot listen on one address; the error is reported for the second one, or for the admin listener, which listens first. */
function sharedAddresses(config: Config, { apis }: Names): OptionIssue[] {
  const issues: OptionIssue[] = [];
  const taken: { readonly name: string; readonly place: string; readonly host: string }[] = [];
  for (const name of apis) {
    // Each by itself: another refused value of the section hides no shared address.
    const group = `api:${name}`;
    if (!config.has(group, 'listen')) config.register(group, apiOptions);
    const listen = optionalValue<ListenValue>(config, group, 'listen');
    const port = optionalValue<number>(config, group, 'port');
    if (listen === undefined || port === undefined) continue;
    if (listen.kind === 'fd' || listen.kind === 'systemd') continue;
    const host = listen.kind === 'tcp' ? listen.host : '';
    const number = listen.kind === 'tcp' ? (listen.port ?? port) : 0;
    // An API with any free port shares it with no other.
    if (listen.kind === 'tcp' && number === 0) continue;
    const place = listen.kind === 'unix' ? `unix:${resolve(listen.path)}` : `port ${number}`;
    const other = taken.find((each) => each.place === place && overlap(each.host, host));
    taken.push({ name, place, host });
    if (other === undefined) continue;
    const opt = listen.kind === 'tcp' && listen.port === undefined ? 'port' : 'listen';
    issues.push({
      group,
      opt,
      message: `${place} already belongs to [api:${other.name}]`,
      hint: 'change one of the addresses',
    });
  }
  const owners = taken.map(({ name, ...each }) => ({ ...each, owner: `[api:${name}]` }));
  for (const opt of ['listen', 'metrics_listen']) {
    const address = optionalValue<HostPort>(config, 'admin', opt);
    if (address === undefined || address.port === 0) continue;
    const place = `port ${address.port}`;
    const shared = owners.find((each) => each.place === place && overlap(each.host, address.host));
    owners.push({ owner: `[admin] ${opt}`, place, host: address.host });
    if (shared === undefined) continue;
    const message = `${place} belongs to ${shared.owner}`;
    issues.push({ group: 'admin', opt, message, hint: 'choose another port' });
  }
  return issues;
}

/** Ports of APIs that listen on a path. */
function portsOfPaths(config: Config, { apis }: Names): OptionIssue[] {
  return apis.flatMap((name) => {
    const group = `api:${name}`;
    const { listen } = config.api(name, apiOptions, { partial: true });
    if (listen.kind !== 'unix') return [];
    const message = `has no effect: listen is unix:${listen.path} (${locationText(config.getLocation(group, 'listen'))})`;
    return firstSet(config, group, ['port'], { message, hint: 'remove it, or let listen be a host' });
  });
}

/** `[DEFAULT] workers` is 0 or omitted; then numbers of workers, and options that replace workers, have no effect. */
function workersOfAll(config: Config, { apis, services }: Names): OptionIssue[] {
  const workers = optionalValue<number>(config, 'DEFAULT', 'workers');
  if (workers === undefined) return [];
  if (workers !== 0) {
    const [first = 'name'] = apis;
    const message = `${workers} is not a number for all APIs: only 0 is, for one process without workers`;
    const hint = `write workers = ${workers} in [api:${first}] and the other sections`;
    return [{ group: 'DEFAULT', opt: 'workers', message, hint }];
  }
  const place = locationText(config.getLocation('DEFAULT', 'workers'));
  const message = `has no effect: one process serves all APIs, because [DEFAULT] workers is 0 (${place})`;
  const said = { message, hint: 'remove one of the two' };
  const above = (group: string): OptionIssue[] =>
    (optionalValue<number>(config, group, 'workers') ?? 1) > 1 ? firstSet(config, group, ['workers'], said) : [];
  return [
    ...apis.flatMap((name) => [...above(`api:${name}`), ...firstSet(config, `api:${name}`, ['max_requests'], said)]),
    ...services.flatMap((name) => above(`service:${name}`)),
    ...['max_memory', 'max_restarts'].flatMap((opt) =>
      config.has('DEFAULT', opt) ? firstSet(config, 'DEFAULT', [opt], said) : [],
    ),
  ];
}

/** A file with more workers than the memory is for starts nonetheless; `api-cli scale` refuses them. */
function workersAboveMost(config: Config, names: Names): OptionIssue[] {
  if (isOneProcess(config)) return [];
  const most = mostWorkers();
  const apis = names.apis.map((name) => ({
    group: `api:${name}`,
    workers: config.api(name, apiOptions, { partial: true }).workers,
  }));
  const services = names.services.map((name) => ({
    group: `service:${name}`,
    workers: config.group(`service:${name}`, serviceOptions, { partial: true }).workers,
  }));
  return [...apis, ...services].flatMap(({ group, workers }) => {
    if (workers <= most) return [];
    const message = `${workers} workers exceed ${most}, one for each 64 MiB of memory`;
    return [{ group, opt: 'workers', message, hint: 'lower the number of workers', severity: 'warning' }];
  });
}

function overlap(a: string, b: string): boolean {
  return a === b || isWildcard(a) || isWildcard(b);
}

/**
 * `enabled_ssl_apis` names an API that is not enabled. One that a section or the paste file has may be enabled another day. Any other name
 * is refused: the intended API would be served in plain text.
 */
function tlsOfUnknownApis(config: Config, names: Names): OptionIssue[] {
  const { apis: enabled, sslApis } = names;
  const notEnabled = sslApis.filter((name) => !enabled.includes(name));
  if (notEnabled.length === 0) return [];
  const hasApp = appsOf(config, names);
  const plain = enabled.filter((name) => !sslApis.includes(name));
  return notEnabled.map((name) => {
    const place = { group: 'DEFAULT', opt: 'enabled_ssl_apis', item: name };
    const message = `names an API that is not enabled: ${name}`;
    const comma = missingComma(name, enabled);
    if (comma !== undefined) return { ...place, message, hint: comma };
    const [near] = nearTo(name, plain);
    if (names.sections.api.includes(name) || hasApp?.(name) === true || (hasApp === undefined && near === undefined)) {
      return { ...place, message, severity: 'warning' };
    }
    const hint =
      near === undefined
        ? 'no API has this name: remove it, or write the API that should use TLS'
        : `did you mean ${near}? Without TLS ${near} would be served in plain text`;
    return { ...place, message, hint };
  });
}

/** Certificates of APIs that `enabled_ssl_apis` does not name: their own, and those of `[ssl]` if it names no API. */
function certificatesOfPlainApis(config: Config, { apis, sslApis }: Names): OptionIssue[] {
  const plain = apis.filter((name) => !sslApis.includes(name));
  const own = plain.flatMap((name) => {
    const message = `has no effect: ${name} is served in plain text, because enabled_ssl_apis does not name it`;
    const hint = `add ${name} to [DEFAULT] enabled_ssl_apis`;
    return firstSet(config, `api:${name}`, ['ssl_cert_file', 'ssl_key_file', 'ssl_ca_file'], { message, hint });
  });
  if (plain.length === 0 || sslApis.length > 0) return own;
  const message = 'has no effect: every API is served in plain text, because enabled_ssl_apis is empty';
  const hint = `write [DEFAULT] enabled_ssl_apis = ${plain.join(', ')}`;
  return [...own, ...firstSet(config, 'ssl', ['cert_file', 'key_file', 'ca_file'], { message, hint })];
}

/** Returns the value of an option of the launcher's application; undefined in an application without one. */
function optionalValue<T>(config: Config, group: string, opt: string): T | undefined {
  return config.has(group, opt) ? (config.resolve(group, opt).value as T | undefined) : undefined;
}

/** Returns a warning at the first of the options that is set. */
function firstSet(
  config: Config,
  group: string,
  options: readonly string[],
  said: Pick<OptionIssue, 'message' | 'hint'>,
): OptionIssue[] {
  const opt = options.find((each) => isSet(config, group, each));
  return opt === undefined ? [] : [{ group, opt, ...said, severity: 'warning' }];
}

// Sections and arguments of APIs and services that do not exist: neither enabled, nor with an app or a section.

/** Returns the errors: the group `api:<name>` belongs to the API of that name, if there is one. */
function unknownSections(config: Config, names: Names): OptionIssue[] {
  const issues: OptionIssue[] = [];
  const hasApp = appsOf(config, names);
  // A paste file with errors may have the app of a section, unless the name of the section is a misspelled one.
  const paste = readablePaste(config);
  const hasErrors = hasApp === undefined && paste === undefined;
  const apps = paste?.sections().flatMap((each) => (each.kind === 'app' ? [each.name] : [])) ?? [];
  for (const name of names.sections.api) {
    if (names.apis.includes(name) || hasApp?.(name) === true) continue;
    const [enabled] = nearTo(name, names.apis);
    const lacksSection = enabled !== undefined && !names.sections.api.includes(enabled);
    if (hasApp === undefined && !(hasErrors && lacksSection)) continue;
    const near = enabled ?? nearTo(name, [...names.sections.api.filter((each) => hasApp?.(each)), ...apps])[0];
    const hint = near === undefined ? `remove the section, or enable the API` : `did you mean [api:${near}]?`;
    issues.push({
      group: `api:${name}`,
      message: `no API with this name is enabled${hasApp === undefined ? '' : ', and the paste file has none'}`,
      hint,
    });
  }
  for (const { group, opt } of config.arguments) {
    const [, kind, name] = /^(api|service):(.+)/s.exec(group) ?? [];
    if (name === undefined) continue;
    const [word, enabled] = kind === 'api' ? ['API', names.apis] : ['service', names.services];
    if (enabled.includes(name) || names.sections[kind as 'api' | 'service'].includes(name)) continue;
    const [near] = nearTo(name, enabled);
    const hint =
      near === undefined ? `enabled are ${enabled.join(', ') || 'none'}` : `did you mean ${kind}:${near}.${opt}?`;
    issues.push({ group, opt, message: `no ${word} with this name is enabled`, hint });
  }
  return issues;
}

/** A name of one letter is similar to everything. */
function nearTo(name: string, candidates: Iterable<string>): string[] {
  return name.length < 2 ? [] : nearestNames(name, candidates);
}
