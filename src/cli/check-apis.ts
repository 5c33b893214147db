/**
 * What `check` finds out about each API beyond its options: what would keep it from starting, and nothing is started.
 */

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Config } from '../config/index.js';
import { diagnose } from '../config/internal.js';
import { ConfigurationRefused, type Diagnostic, ignoreErrors } from '../errors/index.js';
import { type ContextTree, Loader, PasteAppNotFound } from '../loader/index.js';
import { tellsChildren } from '../loader/internal.js';
import { silentLogger } from '../log/index.js';
import { checkManager, namedManager } from '../registry/internal.js';
import { WSGIService } from '../server/index.js';
import type { ListenAddress } from '../service/index.js';
import { maskUris } from '../text/index.js';
import { apiNames } from './api-names.js';
import { missingAppIssue } from './missing-app.js';
import { unplacedApi } from './missing-port.js';
import { configuredPasteFile } from './paste-file.js';

/**
 * What the enabled APIs would be refused for: certificates, managers, names that the paste file does not have, what filters
 * have against the API's address and strategy; and that none would start. Managers are loaded unless `import` is false, and
 * not made.
 */
export async function apiFindings(config: Config, options: { readonly import: boolean }): Promise<ApiFindings> {
  const findings: Diagnostic[] = [];
  let [followed, told] = [options.import, options.import];
  const names = apiNames(config);
  const strict = config.resolve('DEFAULT', 'strict_config').value === true;
  let missing = 0;
  for (const name of names) {
    try {
      const service = new WSGIService(name, config, { log: silentLogger() });
      await service.stop();
      const warning = service.certificateWarning;
      if (warning !== undefined) findings.push(ofCertificate(config, name, warning));
      const unplaced = unplacedApi(config, name);
      if (unplaced !== undefined) findings.push(unplaced);
      for (const address of service.addresses) {
        const taken = await whyTaken(address);
        if (taken !== undefined) findings.push(ofAddress(config, name, taken));
      }
      if (options.import) {
        findings.push(
          ...(await Loader.checkFile(configuredPasteFile(config), {
            config,
            service: name,
            names: [service.pipeline],
          })),
        );
        told &&= await tellsAllItReads(config, service);
      }
    } catch (error) {
      followed = false;
      if (error instanceof PasteAppNotFound) {
        missing += 1;
        findings.push({ ...missingAppIssue(config, name, error), severity: strict ? 'error' : 'warning' });
      } else if (error instanceof ConfigurationRefused) {
        // What is wrong with the paste file itself is found by looking at that.
        const others = error.diagnostics.filter(({ code }) => !code.startsWith('PORTICO_PASTE_'));
        findings.push(...others.map((each) => ({ ...each, plain: false })));
      } else throw error;
    }
    if (options.import) findings.push(...(await ofManager(config, name)));
  }
  if (names.length > 0 && missing === names.length) findings.push(nothingStarts(config));
  return { findings, followed, told };
}

/** What was found, and how much of it all. */
export interface ApiFindings {
  readonly findings: Diagnostic[];
  /** The paste file was followed from every API: what is wrong elsewhere in it keeps nothing from starting. */
  readonly followed: boolean;
  /** All that the APIs are made of says which options it reads: no other is known to anybody. */
  readonly told: boolean;
}

/** Whether every factory behind an API has declared its options; one that has not may read any. */
async function tellsAllItReads(config: Config, { name, pipeline }: WSGIService): Promise<boolean> {
  if (
    config.has(`api:${name}`, 'manager') &&
    namedManager(config, { group: `api:${name}`, opt: 'manager' }) !== undefined
  )
    return false;
  try {
    return hasDeclared(await new Loader(configuredPasteFile(config), { config }).tree(pipeline));
  } catch (error) {
    if (error instanceof ConfigurationRefused) return false;
    throw error;
  }
}

function hasDeclared({ resolved, filters = [], app, filter, next, children = [] }: ContextTree): boolean {
  const declared = resolved === undefined || tellsChildren(resolved) !== undefined || 'options' in Object(resolved);
  const inner = [...filters, app, filter, next, ...children.map(({ context }) => context)];
  return declared && inner.every((each) => each === undefined || hasDeclared(each));
}

/** A start would end with 1: unless it is the service itself that has the address. */
function ofAddress(config: Config, name: string, message: string): Diagnostic {
  const group = `api:${name}`;
  const opt = config.getLocation(group, 'port').kind === 'default' ? 'listen' : 'port';
  const hint =
    'That is right where it is the service that is to be reloaded; a start beside it would end with status 1.';
  return diagnose(config, { severity: 'warning', code: 'PORTICO_ADDRESS_TAKEN', group, opt, message, hint });
}

function nothingStarts(config: Config): Diagnostic {
  const message = 'none of these APIs would start';
  return diagnose(config, { code: 'PORTICO_NO_APIS', group: 'DEFAULT', opt: 'enabled_apis', message });
}

/** The manager of `[api:<name>]`: a module that is missing stops the start, and a name that it does not export. */
async function ofManager(config: Config, name: string): Promise<Diagnostic[]> {
  const option = { group: `api:${name}`, opt: 'manager' };
  const reference = config.has(option.group, option.opt) ? namedManager(config, option) : undefined;
  if (reference === undefined) return [];
  try {
    await checkManager(reference, config, option);
    return [];
  } catch (error) {
    const { code, hint, cause } = error as ConfigurationRefused;
    // The finding has a place of its own.
    const { message } = cause as Error;
    return [diagnose(config, { code, ...option, message, hint })];
  }
}

function ofCertificate(config: Config, name: string, message: string): Diagnostic {
  const own = config.getLocation(`api:${name}`, 'ssl_cert_file');
  const [group, opt] = own.kind === 'default' ? ['ssl', 'cert_file'] : [`api:${name}`, 'ssl_cert_file'];
  return diagnose(config, { severity: 'warning', code: 'PORTICO_TLS_EXPIRY', group, opt, message });
}

/** Why an address cannot be had at the moment, with who has it where the system tells; undefined where it can. */
export async function whyTaken(address: ListenAddress): Promise<string | undefined> {
  if ('path' in address) {
    if (!(await answers(address.path))) return undefined;
    return `somebody listens on ${address.path} already${holder(unixInodes(address.path))}`;
  }
  // Any free port is always to be had.
  if (address.port === 0) return undefined;
  const error = await bindError(address.host, address.port);
  if (error === undefined) return undefined;
  if (error.code !== 'EADDRINUSE') return `it could not be bound now: ${error.message}`;
  return `somebody listens on port ${address.port} already${holder(tcpInodes(address.port))}`;
}

function bindError(host: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path });
    const done = (alive: boolean): void => {
      probe.destroy();
      resolve(alive);
    };
    probe.once('connect', () => done(true));
    probe.once('error', () => done(false));
  });
}

/** The inodes of sockets that listen on a port, of proc_pid_net(5). */
function tcpInodes(port: number): Set<string> {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap(rowsOf);
  const listening = rows.filter(([, local = '', , state]) => local.endsWith(wanted) && state === '0A');
  return new Set(listening.map((row) => row[9] ?? ''));
}

function unixInodes(path: string): Set<string> {
  return new Set(rowsOf('/proc/net/unix').flatMap((row) => (row[7] === path ? [row[6] ?? ''] : [])));
}

function rowsOf(table: string): string[][] {
  const text = ignoreErrors(() => readFileSync(table, 'utf8')) ?? '';
  return text.split('\n').map((line) => line.trim().split(/\s+/));
}

/** `: pid 17 (node main.js)`, the process that was there first; empty where the system does not tell. */
function holder(inodes: ReadonlySet<string>): string {
  const links = new Set([...inodes].map((inode) => `socket:[${inode}]`));
  const pids = (ignoreErrors(() => readdirSync('/proc')) ?? []).filter((name) => /^\d+$/.test(name)).map(Number);
  const pid = pids.toSorted((a, b) => a - b).find((each) => holds(each, links));
  if (pid === undefined) return '';
  const words = ignoreErrors(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? '';
  const command = maskUris(words.replaceAll('\0', ' ').trim());
  return `: pid ${pid}${command === '' ? '' : ` (${command.length > 80 ? `${command.slice(0, 80)}…` : command})`}`;
}

function holds(pid: number, links: ReadonlySet<string>): boolean {
  const folder = `/proc/${pid}/fd`;
  const descriptors = ignoreErrors(() => readdirSync(folder)) ?? [];
  return descriptors.some((name) => links.has(ignoreErrors(() => readlinkSync(`${folder}/${name}`)) ?? ''));
}
