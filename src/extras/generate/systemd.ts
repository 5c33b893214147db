/**
 * A systemd unit: systemd.service(5) and systemd.exec(5).
 */
import { lstatSync, readlinkSync, realpathSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Diagnostic, ignoreErrors } from 'portico/extension';
import { type Deployment, variablesComment, writtenBy } from './deployment.js';
import type { DeploymentFile, Lines } from './deployment-file.js';
import { directoryOf } from './moved-paths.js';
import { isTemporary, listed, placesOf, plain, quoted } from './systemd-unit.js';

/** A shorter time would end a service that only replaces a worker. */
const WATCHDOG_SECONDS = 60;

export const systemd: DeploymentFile = { lines, warnings };

function lines(deployment: Deployment): Lines {
  const { program, arguments: words, folder, enteredFolder: entered, apis, services, descriptors } = deployment;
  const { workerTimeout, controlSocket: control } = deployment.options;
  const options = words.flatMap(({ option, value }) => [option, value]);
  const { made, owned, inner, environment } = placesOf(deployment);
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
    '',
    '[Service]',
    '# READY=1 is sent when all workers of all APIs accept connections; RELOADING=1 and STOPPING=1 when these begin.',
    'Type=notify',
    '# A child of the main process sends them.',
    'NotifyAccess=all',
    `WorkingDirectory=${plain(entered)}`,
    owned.length > 0 && [
      '# systemd creates directories in /run and /var; the others are created here, for the user of the service.',
      `ExecStartPre=+${['/bin/sh', '-c', makes(deployment), 'sh', ...owned].map(quoted).join(' ')}`,
      inner.length > 0 && [
        '# The service creates those inside of them, without the rights of root.',
        `ExecStartPre=${['/bin/mkdir', '-p', ...inner].map(quoted).join(' ')}`,
      ],
    ],
    `ExecStart=${command()}`,
    control === ''
      ? 'ExecReload=/bin/kill -HUP $MAINPID'
      : [
          '# Waits for the result: systemctl reload fails if the configuration is refused.',
          `ExecReload=${command('reload')}`,
        ],
    '# Only the main process gets SIGTERM and stops its workers; remaining processes are killed.',
    'KillMode=mixed',
    '# graceful_shutdown_timeout, plus the time to kill remaining processes.',
    `TimeoutStopSec=${deployment.stopSeconds ?? 'infinity'}`,
    '# Longer than worker_timeout: a stuck worker is replaced before systemd ends the service.',
    `WatchdogSec=${Math.max(WATCHDOG_SECONDS, Math.ceil(workerTimeout) * 2)}`,
    'Restart=on-failure',
    'RestartSec=2',
    '# The parent replaces a worker that the kernel kills for memory; by default systemd would stop the service.',
    'OOMPolicy=continue',
    '# A refused configuration would be refused again: status 78 does not restart the service.',
    'RestartPreventExitStatus=78',
    '',
    'DynamicUser=yes',
    ...[...made].map(([directive, names]) => names.size > 0 && `${directive}=${[...names].map(listed).join(' ')}`),
    owned.length > 0 && `ReadWritePaths=${owned.map(listed).join(' ')}`,
    entered !== folder && '# PWD tells a reload the link, so that it follows it.',
    `Environment=${['NODE_ENV=production', ...(entered === folder ? [] : [`PWD=${entered}`]), ...environment].map(listed).join(' ')}`,
    hasLowPort(deployment)
      ? [`AmbientCapabilities=${BINDS}`, `CapabilityBoundingSet=${BINDS}`]
      : 'CapabilityBoundingSet=',
    'NoNewPrivileges=yes',
    'ProtectSystem=strict',
    homeFiles(deployment).length === 0 ? 'ProtectHome=yes' : 'ProtectHome=read-only',
    temporaryFiles(deployment).length === 0 ? 'PrivateTmp=yes' : 'PrivateTmp=no',
    ...CONFINED,
    `LimitNOFILE=${Math.max(65_536, descriptors)}`,
    '',
    '[Install]',
    'WantedBy=multi-user.target',
  ];
}

/** The capability for ports below 1024. */
const BINDS = 'CAP_NET_BIND_SERVICE';

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
