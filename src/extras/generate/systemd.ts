/**
 * A systemd unit: systemd.service(5) and systemd.exec(5).
 */
import { lstatSync, readlinkSync, realpathSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { type Diagnostic, ignoreErrors } from 'portico/extension';
import {
  atLeast,
  type CheckedFile,
  contains,
  type Entry,
  equal,
  type Fits,
  type Lines,
  lastOf,
  needs,
  never,
  noneOf,
  oneOf,
  rule,
  secondsOf,
} from './compare.js';
import { type Deployment, variablesComment, writtenBy } from './deployment.js';
import { directoryOf, variableOf } from './moved-paths.js';
import {
  isOn,
  isTemporary,
  isWritable,
  listed,
  MADE,
  makerOf,
  placesOf,
  plain,
  quoted,
  unitReader,
  wordsOf,
} from './systemd-unit.js';

/** A shorter time would end a service that only replaces a worker. */
const WATCHDOG_SECONDS = 60;
/** `DefaultStartLimitBurst=`. */
const START_BURST = 5;

export const systemd: CheckedFile = { lines, read: unitReader('Service'), warnings };

function lines(deployment: Deployment, file: readonly Entry[] = []): Lines {
  const { program, arguments: words, folder, enteredFolder: entered, apis, services, descriptors } = deployment;
  const { workerTimeout, controlSocket: control } = deployment.options;
  const { stopSeconds = Number.POSITIVE_INFINITY } = deployment;
  const options = words.flatMap(({ option, value }) => [option, value]);
  const { made, owned, inner, environment } = placesOf(deployment);
  const [hidden] = homeFiles(deployment);
  const [temporary] = temporaryFiles(deployment);
  const command = (...more: readonly string[]): string =>
    [process.execPath, program, ...more, ...options].map(quoted).join(' ');
  return [
    writtenBy('systemd', deployment),
    ...variablesComment('the unit', deployment),
    '',
    '[Unit]',
    `Description=${apis.length > 0 ? 'APIs served' : 'Services run'} by Portico: ${plain([...apis.map(({ name }) => name), ...services].join(', '))}`,
    'After=network-online.target',
    'Wants=network-online.target',
    '# A port or a broker can be unavailable for minutes, so systemd retries forever.',
    'StartLimitIntervalSec=0',
    rule('RestartSec', isPatient, {
      unset: '100ms',
      hint: 'Write RestartSec=2, and StartLimitIntervalSec=0 in [Unit].',
    }),
    '',
    '[Service]',
    '# READY=1 is sent when all workers of all APIs accept connections; RELOADING=1 and STOPPING=1 when these begin.',
    needs('Type=notify', oneOf('notify', 'notify-reload'), { unset: 'simple' }),
    '# A child of the main process sends them.',
    needs('NotifyAccess=all', equal, { unset: 'main', why: 'a child of the main process sends the notifications' }),
    `WorkingDirectory=${plain(entered)}`,
    owned.length > 0 && [
      '# systemd creates directories in /run and /var; the others are created here, for the user of the service.',
      `ExecStartPre=+${['/bin/sh', '-c', makes(deployment), 'sh', ...owned].map(quoted).join(' ')}`,
      inner.length > 0 && [
        '# The service creates those inside of them, without the rights of root.',
        `ExecStartPre=${['/bin/mkdir', '-p', ...inner].map(quoted).join(' ')}`,
      ],
    ],
    rule('ExecStartPre', (value) => !FOLLOWS.test(value), {
      why: 'root follows a link that the service has put there',
    }),
    needs(`ExecStart=${command()}`, readsTheSame, { unset: '', why: `this configuration is ${filesIn(command())}` }),
    control !== '' && [
      '# Waits for the result: systemctl reload fails if the configuration is refused.',
      needs(`ExecReload=${command('reload')}`, (value, _, unit) => canReload(value, unit) && !/\bkill\b/.test(value)),
    ],
    control === '' &&
      needs('ExecReload=/bin/kill -HUP $MAINPID', (value, _, unit) => canReload(value, unit), {
        why: 'systemctl reload does not work',
      }),
    '# Only the main process gets SIGTERM and stops its workers; remaining processes are killed.',
    needs('KillMode=mixed', equal, { unset: 'control-group' }),
    '# graceful_shutdown_timeout, plus the time to kill remaining processes.',
    needs(`TimeoutStopSec=${deployment.stopSeconds ?? 'infinity'}`, atLeast(stopSeconds, timeoutOf), { unset: '90' }),
    '# Longer than worker_timeout: a stuck worker is replaced before systemd ends the service.',
    needs(
      `WatchdogSec=${Math.max(WATCHDOG_SECONDS, Math.ceil(workerTimeout) * 2)}`,
      (value) => value !== '' && timeoutOf(value) > workerTimeout,
    ),
    needs('Restart=on-failure', noneOf('no', 'on-success'), { unset: 'no', why: 'a service that dies stays down' }),
    'RestartSec=2',
    '# The parent replaces a worker that the kernel kills for memory; by default systemd would stop the service.',
    needs('OOMPolicy=continue', equal, { unset: 'stop' }),
    '# A refused configuration would be refused again: status 78 does not restart the service.',
    needs('RestartPreventExitStatus=78', contains),
    '',
    'DynamicUser=yes',
    ...[...made].map(([directive, names]) => names.size > 0 && `${directive}=${[...names].map(listed).join(' ')}`),
    owned.length > 0 && `ReadWritePaths=${owned.map(listed).join(' ')}`,
    entered !== folder && '# PWD tells a reload the link, so that it follows it.',
    `Environment=${['NODE_ENV=production', ...(entered === folder ? [] : [`PWD=${entered}`]), ...environment].map(listed).join(' ')}`,
    hasLowPort(deployment)
      ? [
          needs(
            `AmbientCapabilities=${BINDS}`,
            (value, wanted, unit) => isRoot(unit) || value.includes(wanted),
            NO_PORT,
          ),
          needs(`CapabilityBoundingSet=${BINDS}`, isBounding, { ...NO_PORT, unset: BINDS }),
        ]
      : 'CapabilityBoundingSet=',
    'NoNewPrivileges=yes',
    'ProtectSystem=strict',
    hidden === undefined
      ? 'ProtectHome=yes'
      : needs('ProtectHome=read-only', (home) => !isOn(home) && home !== 'tmpfs', {
          unset: '',
          why: `${hidden} cannot be read`,
        }),
    temporary === undefined
      ? 'PrivateTmp=yes'
      : needs('PrivateTmp=no', isOff, {
          unset: 'no',
          why: `the service cannot see ${temporary}`,
        }),
    ...CONFINED,
    needs(
      `LimitNOFILE=${Math.max(65_536, descriptors)}`,
      atLeast(descriptors, (soft) => Number(soft.split(':')[0])),
      {
        unset: '1024',
        why: `a worker of max_connections needs ${descriptors}`,
      },
    ),
    '',
    '[Install]',
    'WantedBy=multi-user.target',
    pathRules(deployment, file),
  ];
}

/** The capability for ports below 1024. */
const BINDS = 'CAP_NET_BIND_SERVICE';
const NO_PORT = { why: 'the user cannot listen on ports below 1024' };

/** Fits a set with the capability, or one that excludes others. */
const isBounding: Fits = (value, wanted) => value.startsWith('~') !== value.includes(wanted);

/**
 * Limits that no service of Node notices (systemd.exec(5)), also not its child processes that notify systemd. Left out are those that would
 * end it or take something from applications: `ProcSubset=pid` hides the CPUs and the memory, `PrivateUsers=` the owners of files.
 */
const CONFINED = [
  'PrivateDevices=yes',
  'ProtectClock=yes',
  'ProtectControlGroups=yes',
  'ProtectHostname=yes',
  'ProtectKernelLogs=yes',
  'ProtectKernelModules=yes',
  'ProtectKernelTunables=yes',
  'ProtectProc=invisible',
  'LockPersonality=yes',
  'RestrictNamespaces=yes',
  'RestrictRealtime=yes',
  'RestrictSUIDSGID=yes',
  '# os.networkInterfaces() reads the addresses from AF_NETLINK.',
  'RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK',
  'SystemCallArchitectures=native',
  'SystemCallFilter=@system-service',
  'SystemCallErrorNumber=EPERM',
  '# No MemoryDenyWriteExecute: V8 writes the code that it executes.',
];

/**
 * Creates directories and gives them to the user of the service, who owns its runtime directory. No directory is inside another one: the
 * service could put a link in the way (CWE-61), and `-h` follows no link at the end of a path only.
 */
const makes = ({ name }: Deployment): string => `mkdir -p "$@" && chown -h --reference=/run/${name} "$@"`;
const FOLLOWS = /\bchown (?!-h |--no-dereference )/;

function warnings(deployment: Deployment): Pick<Diagnostic, 'message' | 'hint'>[] {
  const unwritable = placesOf(deployment).refused.map((written) => ({
    message: `[${written.group}] ${written.opt} may not be writable: the user of the service may not own ${directoryOf(written, written.value)}`,
    hint: `Name ${written.kind === 'socket' ? 'a path below /run/' : written.isLog ? 'a path below /var/log/' : 'a path below /var/lib/'}${deployment.name}.`,
  }));
  return [...unwritable, ...unreadable(readPaths(deployment))];
}

/** Returns the paths that a start reads. */
function readPaths({ program, folder, arguments: words, files, secretFiles, secrets }: Deployment): ReadPath[] {
  const withSecrets = new Set([...secretFiles, ...secrets.map(({ file }) => file)]);
  return [
    ...[process.execPath, program, folder].map((path) => ({ path })),
    ...words.flatMap(({ option, value }) => (option === '--config-dir' ? [{ path: value, isListed: true }] : [])),
    ...[...files, ...secretFiles].map((path) => ({ path, isSecret: withSecrets.has(resolve(path)) })),
  ];
}

/** Parses a timeout in seconds: `infinity` means no limit, and so does 0 (systemd.service(5)). */
function timeoutOf(text: string): number {
  return (text === 'infinity' ? 0 : secondsOf(text)) || Number.POSITIVE_INFINITY;
}

/** Returns the names of the configuration files in a command line. */
const filesIn = (command: string): string =>
  [...command.matchAll(/--config-file[= ]("(?:\\.|[^"\\])*"|\S+)/g)]
    .map(([, file]) => basename(wordsOf(file!)[0]!))
    .join(', ');

const readsTheSame: Fits = (command, wanted) => ['', filesIn(wanted)].includes(filesIn(command));

const canReload = (command: string, unit: readonly Entry[]): boolean =>
  command !== '' || lastOf(unit, 'Type') === 'notify-reload';

/** Reports whether systemd's limit of starts is never reached with a pause between them. */
const isPatient: Fits = (pause, _, unit) => {
  const interval = timeoutOf(lastOf(unit, 'StartLimitIntervalSec') || '10s');
  return interval === Number.POSITIVE_INFINITY || secondsOf(pause) * START_BURST >= interval;
};

const isRoot = (unit: readonly Entry[]): boolean =>
  !isOn(lastOf(unit, 'DynamicUser')) && ['', 'root', '0'].includes(lastOf(unit, 'User'));

const hasLowPort = ({ apis }: Deployment): boolean =>
  apis.some(({ address }) => 'port' in address && address.port > 0 && address.port < 1024);

/** Returns a path, and where its links lead. */
const withTarget = ({ path }: ReadPath): string[] => [path, ignoreErrors(() => realpathSync(path)) ?? resolve(path)];

/** Returns the files that `ProtectHome=` hides, also behind links. */
const homeFiles = (deployment: Deployment): string[] =>
  [
    ...readPaths(deployment).flatMap(withTarget),
    ...deployment.writtenPaths().map((each) => directoryOf(each, each.value)),
  ].filter((path) => /^\/(?:home|root|run\/user)(?:\/|$)/.test(path));

/** Returns the files that `PrivateTmp=` hides: those that a start reads, also behind links, and sockets, which other processes look for. */
const temporaryFiles = (deployment: Deployment): string[] =>
  [
    ...readPaths(deployment).flatMap(withTarget),
    ...deployment.writtenPaths().flatMap(({ kind, value }) => (kind === 'socket' ? value : [])),
  ].filter(isTemporary);

/** Returns rules for the paths that the configuration writes to, with the environment of a unit. */
function pathRules(deployment: Deployment, unit: readonly Entry[]): Lines {
  const set = new Map(wordsOf(lastOf(unit, 'Environment')).map((word) => splitOnce(word)));
  const made = Object.keys(MADE);
  const makes = wordsOf(lastOf(unit, 'ExecStartPre'));
  const isStrict = lastOf(unit, 'ProtectSystem') === 'strict';
  return deployment.writtenPaths(set.get(variableOf({ group: 'DEFAULT', opt: 'state_path' }))).map((written) => {
    const named = `[${written.group}] ${written.opt}`;
    const directory = directoryOf(written, set.get(variableOf(written)) ?? written.value);
    if (isTemporary(directory)) return [];
    if (isStrict && !isWritable(unit, directory, [...made, 'ReadWritePaths'])) {
      const hint = `Write ${directiveFor(directory)}, or set ${variableOf(written)} in Environment.`;
      return rule('ProtectSystem', never, { why: `${named} is in ${directory}, which cannot be written`, hint });
    }
    const isOwned = makes.includes(directory) || isWritable(unit, directory, made);
    const hint = 'A new unit of api-cli generate systemd creates it for the user of the service.';
    return !isOwned && rule('DynamicUser', isOff, { why: `it does not own ${directory}, where ${named} is`, hint });
  });
}

const isOff: Fits = (value) => !isOn(value);

/** Returns the directive that makes a directory writable. */
function directiveFor(directory: string): string {
  const { directive, name } = makerOf(directory) ?? { directive: 'ReadWritePaths', name: directory };
  return `${directive}=${listed(name)}`;
}

function splitOnce(word: string): [string, string] {
  const at = word.indexOf('=');
  return [word.slice(0, at), word.slice(at + 1)];
}

// Paths that the user of a service must be able to read. `DynamicUser=` creates a user without groups who owns none of them.

/** A path that a start reads. */
interface ReadPath {
  readonly path: string;
  /** True if others must not read it. */
  readonly isSecret?: boolean;
  /** True for a directory that is listed. */
  readonly isListed?: boolean;
}

/** Returns warnings of files and directories that others cannot read, each once. */
function unreadable(paths: readonly ReadPath[]): Pick<Diagnostic, 'message' | 'hint'>[] {
  const closed = new Map<string, Part & { readonly isSecret: boolean }>();
  for (const { path, isSecret = false, isListed = false } of paths) {
    const part = closedPart(path, isListed ? 'list' : 'read');
    if (part === undefined) continue;
    const known = closed.get(part.path);
    closed.set(part.path, { ...(known ?? part), isSecret: isSecret || known?.isSecret === true });
  }
  return [...closed.values()].map(({ path, mode, verb, isSecret }) => ({
    message: `the user of the service may not ${verb} ${path}: its mode is ${mode.toString(8).padStart(4, '0')}`,
    hint: isSecret
      ? `Keep it closed to others, because it protects secrets. Write User= and Group= of an account, not root, that may ${verb} it instead of DynamicUser=yes.`
      : `Run chmod o+${verb === 'enter' ? 'x' : verb === 'list' ? 'rx' : 'r'} on it, unless it protects secrets. Or write User= and Group= of an account that may ${verb} it instead of DynamicUser=yes.`,
  }));
}

interface Part {
  readonly path: string;
  readonly mode: number;
  readonly verb: 'enter' | 'list' | 'read';
}

/** Permissions for others that each access needs. */
const NEEDED = { enter: 0o001, list: 0o005, read: 0o004 };

/** Limit of links in one path on Linux. */
const MAX_LINKS = 40;

/** Returns the first directory on a path, or the path itself, that is closed to others; follows links. */
function closedPart(path: string, how: 'list' | 'read', links = MAX_LINKS): Part | undefined {
  const above = dirname(path);
  const closedAbove = above === path ? undefined : closedPart(above, 'read', links);
  if (closedAbove !== undefined) return closedAbove;
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  if (found.isSymbolicLink()) {
    return links === 0 ? undefined : closedPart(resolve(realpathSync(above), readlinkSync(path)), how, links - 1);
  }
  const verb = found.isDirectory() && how === 'read' ? 'enter' : how;
  const isOpen = (found.mode & NEEDED[verb]) === NEEDED[verb];
  return isOpen ? undefined : { path: realpathSync(path), mode: found.mode & 0o7777, verb };
}
