/** The APIs that a service serves: their names, the apps of its paste files, and where they listen. */
import { type Diagnostic, didYouMean, eachOnce, locationInFile, type Origin } from '../../errors/index.js';
import { optionKey, originWithin, sectionKey } from '../../ini/index.js';
import { isLoopback } from '../../operating/internal.js';
import type { FoundConf, FoundPaste, FoundService, WrittenValue } from './found-service.js';

/** An API of the new project. */
export interface ServedApi {
  readonly name: string;
  /** Its app, and the paste file that has it, by its path in the project. */
  readonly app: string;
  readonly file: string;
  readonly port: number;
  /** A sentence of what says so; undefined for a number that nothing says. */
  readonly portFrom: string | undefined;
  /** Written only if the service did not listen on loopback alone. */
  readonly listen: string | undefined;
  /** True for an API that listens on loopback only because no file says where the one in Python listens. */
  readonly isNarrowed: boolean;
}

/** APIs, and apps of the paste files that no API serves. */
export interface Served {
  readonly apis: readonly ServedApi[];
  readonly others: readonly string[];
  /** Names in `enabled_apis` that no paste file has. */
  readonly missing: readonly string[];
  /** Warnings of these names, and of values that are no ports. */
  readonly warnings: readonly Diagnostic[];
}

interface Root {
  readonly name: string;
  readonly from: FoundPaste;
  /** True for an app that is neither a pipeline nor a composite. */
  readonly isBare: boolean;
}

/** Returns the APIs: those of `enabled_apis`; else the apps of the paste files that nothing else in them uses, without their variants. */
export function servedApis({ pastes, conf }: FoundService): Served {
  const roots = pastes.flatMap(rootsOf);
  const items = itemsOf(conf?.written('DEFAULT', 'enabled_apis'));
  const isFirstOf = ({ name }: Item, at: number): boolean => items.findIndex((each) => each.name === name) === at;
  const listed = items.filter(isFirstOf);
  const repeated = items.filter((item, at) => !isFirstOf(item, at));
  const enabled = listed.flatMap(({ name }) => roots.find((root) => root.name === name) ?? pastesWith(pastes, name));
  const missing = listed.filter((each) => !enabled.some((root) => root.name === each.name));
  const warnings = [
    ...repeated.map(({ name, origin }) => warningAt(origin, `${name} is listed again`, 'portico.ini has it once.')),
    ...missing.map((each) => missingName(each, roots)),
  ];
  const chosen = enabled.length > 0 ? enabled.map((root) => ({ root, app: root.name })) : chosenRoots(roots, conf);
  const names = new Set<string>();
  const ports = new Set<number>();
  const apis = chosen.map(({ root, app }): ServedApi => {
    const { from } = root;
    const name = unique(apiName(root.name === 'main' && pastes.length > 1 ? serviceOf(from) : root.name), names);
    const isFirst = chosen.find((each) => each.root.from === from)?.root === root;
    const address = addressOf(root.name, from, isFirst, conf);
    let { port } = address;
    for (; ports.has(port); port += 1);
    ports.add(port);
    warnings.push(...address.unread.map((each) => unreadPort(each, port)));
    return {
      name,
      app,
      file: from.name,
      port,
      portFrom: port === address.port ? address.portFrom : undefined,
      listen: address.listen,
      isNarrowed:
        address.listen === undefined &&
        (address.host === undefined || !isLoopback(address.host)) &&
        !hasListen(name, conf),
    };
  });
  const isServed = ({ name, from }: Root): boolean => apis.some(({ app, file }) => app === name && file === from.name);
  return {
    apis,
    others: roots.filter((root) => !isServed(root)).map(({ name }) => name),
    missing: missing.map(({ name }) => name),
    warnings: eachOnce(warnings),
  };
}

interface Item {
  readonly name: string;
  readonly origin: Origin;
}

function itemsOf(written: WrittenValue | undefined): readonly Item[] {
  if (written === undefined) return [];
  return [...written.value.matchAll(/[^\s,]+/g)].map(({ 0: name, index }) => ({ name, origin: written.at(index) }));
}

function missingName({ name, origin }: Item, roots: readonly Root[]): Diagnostic {
  const names = roots.map((root) => root.name);
  const all = `The paste files have ${names.join(', ')}.`;
  return warningAt(origin, `no paste file has ${name}`, `${didYouMean(name, names) ?? all} portico.ini leaves it out.`);
}

function unreadPort({ value, origin }: UnreadPort, port: number): Diagnostic {
  return warningAt(origin, 'should be a port from 1 to 65535', `portico.ini has ${port}.`, value);
}

function warningAt(origin: Origin, message: string, hint: string, got?: string): Diagnostic {
  const { section, option } = origin;
  const location = locationInFile(origin);
  return { severity: 'warning', code: 'PORTICO_CONFIG_CHECK', location, section, option, message, got, hint };
}

function rootsOf(from: FoundPaste): readonly Root[] {
  const bare = new Set(
    from.paste.sections().flatMap(({ header, name }) => (/^app(?:lication)?:/.test(header) ? name : [])),
  );
  const roots = from.paste.roots();
  // The default name of PasteDeploy, whatever else in the file mentions it.
  const all = from.paste.has('main') ? new Set(['main', ...roots]) : roots;
  const named = [...all].map((name) => ({ name, from, isBare: bare.has(name) }));
  return named.length > 0 ? named : [...bare].map((name) => ({ name, from, isBare: true }));
}

/** Returns a name that is used elsewhere in its file too. */
function pastesWith(pastes: readonly FoundPaste[], name: string): readonly Root[] {
  const from = pastes.find(({ paste }) => paste.has(name));
  return from === undefined ? [] : [{ name, from, isBare: false }];
}

/**
 * Returns the apps to serve. A name that begins with that of another and `-` is its variant, as in glance: the one that `[paste_deploy] flavor`
 * chooses is served in its place.
 */
function chosenRoots(roots: readonly Root[], conf: FoundConf | undefined): readonly { root: Root; app: string }[] {
  const composed = roots.some(({ isBare }) => !isBare)
    ? roots.filter(({ isBare, name }) => !isBare || name === 'main')
    : roots;
  const first = composed.filter(
    ({ name, from }) => !composed.some((each) => each.from === from && name.startsWith(`${each.name}-`)),
  );
  const flavor = conf?.plain('paste_deploy', 'flavor');
  return first.map((root) => {
    const flavored = `${root.name}-${flavor}`;
    return { root, app: flavor !== undefined && root.from.paste.has(flavored) ? flavored : root.name };
  });
}

/** Names with other characters would need quotes in lists. */
const apiName = (name: string): string => name.replaceAll(/[^\w.-]+/g, '_');

function unique(name: string, names: Set<string>): string {
  let found = name;
  for (let count = 2; names.has(found); count++) found = `${name}_${count}`;
  names.add(found);
  return found;
}

/** The name of a service by its paste file: glance-api of glance-api-paste.ini. */
function serviceOf({ name }: FoundPaste): string {
  return name.replace(/^.*\//, '').replace(/-?(?:paste)?\.\w+$/, '') || 'main';
}

/** Ports that OpenStack's services have by default. */
const USUAL_PORTS: ReadonlyMap<string, number> = new Map([
  ['osapi_compute', 8774],
  ['metadata', 8775],
  ['osapi_volume', 8776],
  ['osapi_share', 8786],
  ['glance-api', 9292],
  ['glance-registry', 9191],
  ['neutron', 9696],
  ['heat-api', 8004],
  ['heat-api-cfn', 8000],
  ['ec2', 8773],
]);

const FREE_PORT = 8080;

/** A value in the place of a port. */
interface UnreadPort {
  readonly from: string;
  readonly value: string;
  readonly origin: Origin;
}

interface Address extends Pick<ServedApi, 'port' | 'portFrom' | 'listen'> {
  readonly host: string | undefined;
  readonly unread: readonly UnreadPort[];
}

/** Returns where an API listens with Python. `isFirst`: it has the address of the whole service. */
function addressOf(
  name: string,
  { name: file, document }: FoundPaste,
  isFirst: boolean,
  conf: FoundConf | undefined,
): Address {
  const own = name.toLowerCase().replaceAll('-', '_');
  const inPaste = (section: string, option: string): WrittenValue | undefined => {
    const found = (section === 'DEFAULT' ? document.defaults : document.sections.get(section))?.options.get(option);
    return found && { value: found.value, at: (offset) => originWithin(found.pieces, offset) };
  };
  const places: readonly (readonly [from: string, host: string | undefined, port: WrittenValue | undefined])[] = [
    [`${name}_listen_port of ${conf?.shown}`, undefined, conf?.written('DEFAULT', `${name}_listen_port`)],
    [`[${own}] of ${conf?.shown}`, conf?.plain(own, 'bind_host'), conf?.written(own, 'bind_port')],
    ...(isFirst
      ? ([
          [`bind_port of ${conf?.shown}`, conf?.plain('DEFAULT', 'bind_host'), conf?.written('DEFAULT', 'bind_port')],
          [`[api] port of ${conf?.shown}`, conf?.plain('api', 'host'), conf?.written('api', 'port')],
          [`[server:main] of ${file}`, inPaste('server:main', 'host')?.value, inPaste('server:main', 'port')],
          [`bind_port of ${file}`, inPaste('DEFAULT', 'bind_ip')?.value, inPaste('DEFAULT', 'bind_port')],
        ] as const)
      : []),
  ];
  const unread: UnreadPort[] = [];
  for (const [from, host, written] of places) {
    if (written === undefined || written.value === '') continue;
    const { value } = written;
    if (/^\d{1,5}$/.test(value) && Number(value) > 0 && Number(value) <= 65_535) {
      return { port: Number(value), portFrom: `As ${from}.`, host, listen: isOpen(host) ? host : undefined, unread };
    }
    unread.push({ from, value, origin: written.at(0) });
  }
  const usual = USUAL_PORTS.get(name);
  const why = [
    ...unread.map(({ from }) => `The port in ${from} cannot be read.`),
    ...(usual === undefined ? [] : ['The usual port.']),
  ];
  return {
    port: usual ?? FREE_PORT,
    portFrom: why.length === 0 ? undefined : why.join(' '),
    host: undefined,
    listen: undefined,
    unread,
  };
}

/** Reports whether a text is an address that other machines reach. */
function isOpen(host: string | undefined): boolean {
  return host !== undefined && /^[\d.]+$|^[\da-f:]+$/i.test(host) && !isLoopback(host);
}

/** Reports whether a conf has an address that applies to the API: Portico reads these options too. */
function hasListen(name: string, conf: FoundConf | undefined): boolean {
  const flat = conf?.written('DEFAULT', optionKey(`${name}_listen`));
  return (flat ?? conf?.written(sectionKey(`api:${name}`), 'listen')) !== undefined;
}
