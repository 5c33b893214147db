/**
 * `api-cli migrate`: reads the paste files and the conf of a service in Python, and writes a project that serves them: what stands for each
 * Python name, and code to complete for what nothing stands for.
 */
import { writeFileSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import type { Command } from 'commander';
import { isUnknownName, isWithoutEffect, printDiagnostic, UsageError } from '../config/internal.js';
import type { Diagnostic } from '../errors/index.js';
import { countText, printable, printableLines, shellWord } from '../text/index.js';
import { columns, example } from './command.js';
import { collect } from './command-line.js';
import { readConfiguration } from './configured/configuration.js';
import { type FoundConf, findService, type NamedFiles } from './migrate/found-service.js';
import { servedApis } from './migrate/served-apis.js';
import { isGuard, isLost, type StandIn, standIns } from './migrate/stand-ins.js';
import { codeFor } from './migrate/written-code.js';
import { configText, type Migration, PASTE, pasteText, readmeText } from './migrate/written-files.js';
import {
  commonNames,
  IN_JAVASCRIPT,
  languageOf,
  ON_OLDER_NODE,
  packageName,
  refuseOccupied,
  templateFiles,
  writeProject,
} from './new-project.js';
import { validateAll } from './validate/validate-all.js';

interface Arguments extends NamedFiles {
  readonly output?: string;
  readonly javascript?: boolean;
}

export function register(program: Command): void {
  program
    .command('migrate')
    .description('write a project that takes over a service in Python, from its paste file and its conf')
    .argument('[dir]', 'the directory of the service (default: that of --paste, or this one)')
    .option('--paste <file>', 'a paste file (default: those in the directory; repeatable)', collect)
    .option('--config-file <file>', 'the conf (default: that in the directory)')
    .option('--output <dir>', 'a new or empty directory (default: <service>-portico)')
    .option(...IN_JAVASCRIPT)
    .addHelpText('after', `${example('api-cli migrate /etc/nova')}\n\n${ON_OLDER_NODE}`)
    .action(migrate);
}

async function migrate(dir: string | undefined, args: Arguments): Promise<void> {
  const service = findService(dir, args);
  const output = args.output ?? `${service.name}-portico`;
  const target = resolve(output);
  refuseOccupied(target, output, (other) => {
    return `api-cli migrate ${dir === undefined ? '' : `${shellWord(dir)} `}--output ${other}`;
  });
  const language = languageOf(args.javascript === true);
  const { conf } = service;
  const served = servedApis(service);
  const begun: Migration = {
    target,
    service,
    served,
    warnings: served.warnings,
    standIns: await standIns(service.all, language.extension),
    otherNames: [],
    elsewhere: [],
  };
  const read =
    conf === undefined ? '' : ` --config-file ${shellWord(confFrom(target, conf))} --config-file portico.ini`;
  const tsconfig = language.extension === '.ts' && {
    'tsconfig.json': templateFiles(language.folder)['tsconfig.json']!,
  };
  const own = {
    ...codeFor(begun.standIns, language),
    ...tsconfig,
    [PASTE]: pasteText(begun),
    [README]: readmeText(packageName(target), begun, read),
    [CONFIG]: configText(begun),
  };
  refuseTaken([...service.files.keys()], [...Object.keys(own), ...commonNames()]);
  writeProject(target, language, {
    files: { ...Object.fromEntries(service.files), ...own },
    scripts: {
      dev: `exec api-cli --dev${read}`,
      start: `exec api-cli${read}`,
      check: `${language.compile}api-cli check${read}`,
      ...(conf !== undefined && { 'api-cli': `api-cli${read}` }),
    },
  });
  const { otherNames, elsewhere, broken } = await validatedProject(target, conf);
  const found: Migration = { ...begun, otherNames, elsewhere, warnings: [...served.warnings, ...broken] };
  writeFileSync(join(target, CONFIG), configText(found));
  writeFileSync(join(target, README), readmeText(packageName(target), found, read));
  process.stdout.write(printableLines(told(output, found, language)));
}

const CONFIG = 'portico.ini';
const README = 'README.md';

/** Refuses files of the service with names that files or folders of the project have. */
function refuseTaken(files: readonly string[], own: readonly string[]): void {
  const isIn = (path: string, folder: string): boolean => `${path}/`.startsWith(`${folder}/`);
  const taken = files.filter((file) => own.some((name) => isIn(file, name) || isIn(name, file)));
  if (taken.length === 0) return;
  throw new UsageError(
    `the project has other files of these names: ${printable(taken.join(', '))}`,
    'Migrate a copy of the directory in which they have other names, also where paste files include them; or name only the paste files of the service, with --paste.',
  );
}

/** Returns the path of the conf for commands in the project: absolute if its user wrote it so. */
function confFrom(target: string, { shown, path }: FoundConf): string {
  return isAbsolute(shown) ? path : relative(target, path);
}

/**
 * Returns the lines of the service's files that are no ini, and the names in its conf that nothing here owns: it serves other applications, so
 * each is theirs, however near it is to one of Portico. `elsewhere`: findings about those whose effect another name has here.
 */
async function validatedProject(
  target: string,
  conf: FoundConf | undefined,
): Promise<Pick<Migration, 'otherNames' | 'elsewhere'> & { readonly broken: readonly Diagnostic[] }> {
  const configFile = [...(conf === undefined ? [] : [conf.shown]), join(target, CONFIG)];
  const read = await readConfiguration({ configFile }, { collect: true });
  const found = await validateAll(read, { import: false, factories: false });
  const inConf = found.filter(({ location }) => {
    return location?.origin !== undefined && resolve(location.origin.file) === conf?.path;
  });
  const otherNames = inConf.flatMap((each) => {
    const { section = '', option, others = [] } = each;
    const isTheirs = isUnknownName(each) || isWithoutEffect(each);
    return isTheirs ? [option === undefined ? section : `${section}.${option}`] : others;
  });
  return {
    otherNames: [...new Set(otherNames)],
    elsewhere: inConf.filter(isWithoutEffect),
    broken: found.filter(({ code }) => NO_INI.has(code)),
  };
}

/** Codes of lines that no reader of ini files takes as they were meant. */
const NO_INI: ReadonlySet<string> = new Set(['PORTICO_CONFIG_SYNTAX', 'PORTICO_PASTE_SPOILT_HEADER']);

function told(
  output: string,
  { service, served, standIns: all, warnings, elsewhere }: Migration,
  { name, why }: ReturnType<typeof languageOf>,
): string {
  const apps = all.filter(({ how }) => how === 'app');
  const lost = all.filter(isLost);
  const from = [
    ...service.pastes.map((each) => each.name),
    ...(service.conf === undefined ? [] : [service.conf.shown]),
  ];
  const addresses = served.apis.map((api) => `${api.name} on port ${api.port}`).join(', ');
  const rows = [
    ...[...service.files.keys()].map((file) => [file, 'unchanged']),
    [PASTE, 'what stands for the Python names there'],
    [CONFIG, addresses],
    ...(apps.length > 0
      ? [
          [
            'app',
            `${countText(apps.length, 'app')} to write: until then ${apps.length === 1 ? 'it responds' : 'they respond'} with 501`,
          ],
        ]
      : []),
    [README, 'what was mapped, what is lost, what to do'],
  ];
  const counterparts = all.length - apps.length - lost.length;
  const names = (some: readonly StandIn[]): string => some.map(({ factory }) => factory.sections[0]).join(', ');
  const guards = all.filter(isGuard);
  const passing = lost.filter((each) => !isGuard(each));
  const refuse = guards.length === 1 ? 'refuses all requests until it is' : 'refuse all requests until they are';
  const lostText = [
    passing.length === 0 ? '' : `; ${names(passing)} replaced by nothing`,
    guards.length === 0 ? '' : `; ${names(guards)} ${refuse} written`,
  ].join('');
  return `A project in ${name}, from ${from.join(' and ')}${why}
${columns(rows)
  .map((row) => `  ${row}`)
  .join('\n')}

Of ${all.length} factories: ${counterparts} mapped, ${countText(apps.length, 'app')} to write${lostText}.
${[...warnings, ...elsewhere].map((each) => `\n${printDiagnostic(each)}\n`).join('')}
Next:
  cd ${shellWord(output)}
  npm install
  npm run check
  npm start
`;
}
