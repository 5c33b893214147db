/** The ini files and the README of a project that takes over a service. */
import { relative, resolve, sep } from 'node:path';
import { configOptions, escapeDollars } from '../../config/internal.js';
import { type Diagnostic, shownPath } from '../../errors/index.js';
import type { PasteOption } from '../../ini/index.js';
import { looksSecret, maskUris, printable } from '../../text/index.js';
import { columns } from '../command.js';
import { type AuthStrategy, authStrategy } from './auth-strategy.js';
import type { FoundConf, FoundService } from './found-service.js';
import { findingsPart } from './readme-findings.js';
import type { Served, ServedApi } from './served-apis.js';
import { isGuard, isLost, type StandIn } from './stand-ins.js';

/** Everything that the files tell. */
export interface Migration {
  /** The directory of the project. */
  readonly target: string;
  readonly service: FoundService;
  readonly served: Served;
  readonly standIns: readonly StandIn[];
  /** Names of the conf that Portico does not read. */
  readonly otherNames: readonly string[];
  /** Findings about those of them that Portico has under another name. */
  readonly elsewhere: readonly Diagnostic[];
  /** Findings: values that the project does not have as the service has them, and lines that are no ini. */
  readonly warnings: readonly Diagnostic[];
}

/** The paste file of the project: names what stands for Python's names in the others, which stay as they are. */
export const PASTE = 'portico-paste.ini';

/** Returns the paste file of the project. */
export function pasteText({ served, standIns }: Migration): string {
  const apis = served.apis.map(
    ({ name, app, file }) =>
      `[pipeline:${name}]\npipeline = config:${encodeURI(file).replaceAll('#', '%23')}#${app.replaceAll('%', '%%')}\n`,
  );
  const line = ({ factory, target }: StandIn): readonly string[] => [
    `    ${factory.name}`,
    factory.name.startsWith('egg:') ? `${target}  ${factory.protocol}` : target,
  ];
  const lists = LISTS.map(([label, title, how]) => {
    // An alias of a name with a blank cannot be written; check reports the reference.
    const rows = standIns.filter((each) => how(each) && !/\s/.test(each.factory.name)).map(line);
    return rows.length === 0 ? '' : `# ${title}\n${label} =\n${columns(rows).join('\n')}\n`;
  }).filter((text) => text !== '');
  const aliases = lists.length === 0 ? '' : `\n[portico:aliases]\n${lists.join('\n')}`;
  return `# The APIs of ${listText(filesOf(served.apis))}, and what stands for the Python names there.\n\n${apis.join('\n')}${aliases}`;
}

/** The lists of aliases. Python names that Portico knows need none. */
const LISTS: readonly (readonly [label: string, title: string, how: (each: StandIn) => boolean])[] = [
  ['apps', 'Apps to write.', ({ how }) => how === 'app'],
  ['filters', 'Filters that do nothing yet.', (each) => each.how === 'filter' && !isGuard(each)],
  ['guards', 'Filters that refuse all requests until they are written.', isGuard],
  [
    'counterparts',
    'Factories of Portico that may do the same: guesses by name and options.',
    ({ how }) => how === 'similar',
  ],
];

const filesOf = (apis: readonly ServedApi[]): readonly string[] => [...new Set(apis.map(({ file }) => file))];

/** Returns `portico.ini`. */
export function configText({ service, served, standIns, otherNames, elsewhere }: Migration): string {
  const { conf } = service;
  const begins =
    conf === undefined
      ? `# How the APIs of ${service.name} are served.`
      : `# Read after ${conf.shown}, whose values apply where this file has none: see the scripts of package.json.`;
  const others =
    otherNames.length === 0
      ? ''
      : `# Names in ${conf!.shown} that are not read here${elsewhere.length === 0 ? '' : ': see *Without effect* in README.md'}.\nother_names =\n${otherNames.map((name) => `    ${itemText(name)}`).join(',\n')}\n`;
  const apis = served.apis.map(({ name, port, portFrom, listen, isNarrowed }) => {
    const from = portFrom ?? 'Nothing says the port of the Python service.';
    const address = listen === undefined ? '' : `listen = ${listen}\n`;
    const narrowed = isNarrowed ? `# It ${NARROWED}. For other machines:\n# listen = ::\n` : '';
    return `[api:${name}]\n# ${from} While both run on one machine, one of them needs another.\nport = ${port}\n${address}${narrowed}`;
  });
  const auth = authStrategy(service, served, standIns).isWritten
    ? `\n# A filter of the paste file accepts callers without a token, from this machine only.\n[api]\nauth_strategy = noauth\n`
    : '';
  return `${begins}

[DEFAULT]
${missingText(served, conf)}enabled_apis = ${served.apis.map(({ name }) => name).join(', ')}
api_paste_config = ${PASTE}
# Bodies of errors as OpenStack's services send them. Others: portico, problem.
fault_style = openstack
${others}${auth}
${apis.join('\n')}`;
}

/** Returns a comment of the names that the line below it leaves out. */
function missingText({ missing }: Served, conf: FoundConf | undefined): string {
  if (missing.length === 0) return '';
  return `# ${conf!.shown} also enables what no paste file has: ${printable(listText(missing))}.\n`;
}

/** Returns a name as an item of `other_names`, which is read back as it is. */
function itemText(name: string): string {
  return escapeDollars(configOptions.other_names.format([name]));
}

/** Returns the README. `commands`: options of `api-cli` that name the configuration. */
export function readmeText(title: string, migration: Migration, commands: string): string {
  const { service, served, standIns } = migration;
  const { conf } = service;
  const apps = standIns.filter(({ how }) => how === 'app');
  const lost = standIns.filter((each) => lostText(each) !== undefined);
  const kept = standIns.filter((each) => each.how !== 'app' && lostText(each) === undefined);
  const addresses = served.apis.map(({ name, port }) => `${name} at http://127.0.0.1:${port}`).join(', ');
  const steps = [
    ...(migration.warnings.length === 0
      ? []
      : [
          'Decide on each line under *Not understood*: there the project differs from the service in Python, or does not start.',
        ]),
    ...(conf === undefined ? [NO_CONF] : []),
    ...secretsStep(service),
    ...listenStep(served),
    ...authStep(authStrategy(service, served, standIns), conf),
    `Write the apps: the routes and actions of each file below. \`npx portico routes${commands}\` lists them.`,
    ...(lost.length > 0
      ? ['Decide on each factory under *Lost*: write it, or confirm the loss with an alias, as `check` says.']
      : []),
    ...(migration.elsewhere.length > 0
      ? ['Decide on each name under *Without effect*: what it does for the service in Python has another name here.']
      : []),
    'Take the service over beside the Python one, with a way back: `node_modules/portico/docs/moving/nova.md`.',
  ];
  return `# ${title}

The APIs of ${service.name}: the same ${listText([...service.files.keys()].map(inCode))}, served by Portico. \`api-cli migrate\` wrote this project once; its files are yours.

    npm install
    npm run check    # finds errors${conf === undefined ? '' : `, also in ${conf.shown}`}
    npm start        # ${addresses}

What is not written yet responds with 501.${conf === undefined ? '' : ` The scripts read \`${conf.shown}\`, which stays where it is, and then \`portico.ini\`.`}

## To do

${steps.map((step, at) => `${at + 1}. ${step}`).join('\n')}

${findingsPart('Not understood', migration.warnings, shownIn(migration))}${table('Apps to write', ['Section', 'Python', 'File'], apps.map(rowOf))}${table('Lost', ['Section', 'Python', 'In its place', 'What is lost'], lost.map(lostRow))}${findingsPart('Without effect', migration.elsewhere, shownIn(migration))}${table('Mapped', ['Section', 'Python', 'Portico'], kept.map(rowOf))}${notServed(served)}`;
}

/** Names files of a service as a README does. */
function shownIn({ target, service: { all, conf } }: Migration): (file: string) => string {
  return (file) => {
    const path = resolve(file);
    if (path === conf?.path) return conf.shown;
    if (path.startsWith(`${target}${sep}`)) return relative(target, path);
    return all.find((each) => each.path === path)?.name ?? shownPath(file);
  };
}

const NO_CONF =
  'No conf was found. Options of filters that it had, such as `[keystone_authtoken]`, belong in `portico.ini`: `npm run check` names what is missing.';

/** Names the options of copied files that seem to have secrets: the conf stays where it is, but these files are in the project. */
function secretsStep({ all, files }: FoundService): readonly string[] {
  const found = all.flatMap(({ name: file, document: { defaults, sections } }) =>
    [...(defaults === undefined ? [] : [defaults]), ...sections.values()].flatMap(({ name, options }) =>
      [...options.values()]
        .filter((each) => files.has(file) && hasSecret(each))
        .map((each) => `\`[${name}] ${each.name}\` of \`${file}\``),
    ),
  );
  if (found.length === 0) return [];
  return [
    `Keep what looks secret out of repositories: ${listText(found)}. A copy has the permissions of its original, and the group of whoever ran the command.`,
  ];
}

const hasSecret = ({ name, value }: PasteOption): boolean =>
  value !== '' && (looksSecret(name) || maskUris(value) !== value);

/** Address of an API to which no file of the service gives one. */
const NARROWED = 'listens on 127.0.0.1 only, where the services of OpenStack listen on all addresses by default';

function listenStep({ apis }: Served): readonly string[] {
  const sections = apis.flatMap(({ name, isNarrowed }) => (isNarrowed ? inCode(`[api:${name}]`) : []));
  if (sections.length === 0) return [];
  return [
    `Decide who can connect. Each API of ${listText(sections)} ${NARROWED}. For other machines, write \`listen = ::\` in its section of \`portico.ini\`.`,
  ];
}

/** The decision on authentication, if there is one: a project does not turn it off where another value of the option kept it. */
function authStep({ open, chooses, isSet, isWritten }: AuthStrategy, conf: FoundConf | undefined): readonly string[] {
  if (open.length === 0 || isWritten) return [];
  const why = [
    ...(isSet ? [`\`${conf!.shown}\` has a value for that option, which is not changed.`] : []),
    ...(chooses.length > 0
      ? [
          `That option also chooses the pipelines of ${listText(chooses.map(inCode))}: with \`noauth\`, those without authentication.`,
        ]
      : []),
  ];
  const [filters, load] =
    open.length === 1
      ? ['The filter', 'accepts callers without a token, and loads']
      : ['The filters', 'accept callers without a token, and load'];
  return [
    `Decide on authentication. ${filters} ${listText(open.map(inCode))} ${load} only with \`[api] auth_strategy = noauth\`, or \`noauth2\`. ${why.join(' ')} Write it in \`portico.ini\`, or take another filter: until then \`npm run check\` may find an error.`,
  ];
}

function rowOf({ factory, target, how }: StandIn): readonly string[] {
  const guess = how === 'similar' ? ', a guess by name and options' : '';
  const code = how === 'app' ? target.slice(2, -':app'.length) : target;
  return [factory.sections.join(', '), inCode(factory.name), `${inCode(code)}${guess}`];
}

function lostRow(each: StandIn): readonly string[] {
  return [...rowOf(each), lostText(each)!];
}

/** Returns what is lost of a factory; undefined if that is nothing, or is left to write. */
function lostText(each: StandIn): string | undefined {
  if (isGuard(each)) return 'what it decides: it refuses all requests with 501';
  if (each.how === 'filter') return 'all that it does: requests pass';
  return each.factory.lost ?? (isLost(each) ? 'all that it does: requests pass' : undefined);
}

function table(title: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const lines = [head, head.map(() => '---'), ...rows].map(
    (row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`,
  );
  return `## ${title}\n\n${lines.join('\n')}\n\n`;
}

function notServed({ others }: Served): string {
  if (others.length === 0) return '';
  return `## Not served\n\nNo API serves these apps of the paste files: ${listText(others.map(inCode))}.\n`;
}

const inCode = (text: string): string => `\`${text}\``;
const listText = (words: readonly string[]): string => words.join(', ');
