/**
 * A systemd unit: systemd.service(5) and systemd.exec(5).
 */
import { basename, resolve } from 'node:path';
import type { Diagnostic } from '../../errors/index.js';
import { realPath } from '../../modules/index.js';
import {
  type Deployment,
  type DeploymentFile,
  secondsOf,
  type Tell,
  variablesComment,
  writtenBy,
} from './deployment.js';
import { type ReadPath, unreadable } from './read-paths.js';
import { isOn, isWritable, listed, MADE, parseUnit, plain, quoted, type Unit, wordsOf } from './systemd-unit.js';
import { isTemporary, makerOf, NAME, placesOf } from './unit-places.js';
import { directoryOf, variableOf } from './written-paths.js';

/** A shorter time would end a service that only replaces a worker. */
const WATCHDOG_SECONDS = 60;
const DEFAULT_STOP_SECONDS = 90;
/** `DefaultLimitNOFILE=`, the soft limit. */
const DEFAULT_FILES = 1024;
/** `DefaultStartLimitBurst=`. */
const START_BURST = 5;

export const systemd: DeploymentFile = { generate, check, warnings };

function generate(deployment: Deployment): string {
  const { main, words, folder, entered, apis, services, stopSeconds, descriptors, control } = deployment;
  const options = words.flatMap(({ option, value }) => [option, value]);
  const { made, owned, environment } = placesOf(deployment);
  const lines = [
    writtenBy('systemd'),
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
    ...(owned.length === 0
      ? []
      : [
          '# systemd creates directories in /run and /var; the others are created here, for the user of the service.',
          `ExecStartPre=+${['/bin/sh', '-c', MAKE, 'sh', ...owned].map(quoted).join(' ')}`,
        ]),
    `ExecStart=${[process.execPath, main, ...options].map(quoted).join(' ')}`,
    ...(control !== ''
      ? [
          '# Waits for the result: systemctl reload fails if the configuration is refused.',
          `ExecReload=${[process.execPath, main, 'reload', ...options].map(quoted).join(' ')}`,
        ]
      : ['ExecReload=/bin/kill -HUP $MAINPID']),
    '# Only the main process gets TERM and stops its workers; remaining processes are killed.',
    'KillMode=mixed',
    '# graceful_shutdown_timeout, plus the time to kill remaining processes.',
    `TimeoutStopSec=${stopSeconds ?? 'infinity'}`,
    '# Longer than worker_timeout: a stuck worker is replaced before systemd ends the service.',
    `WatchdogSec=${watchdog(deployment)}`,
    'Restart=on-failure',
    'RestartSec=2',
    '# The parent replaces a worker that the kernel kills for memory; by default systemd would stop the service.',
    'OOMPolicy=continue',
    '# A refused configuration would be refused again: status 78 does not restart the service.',
    'RestartPreventExitStatus=78',
    '',
    'DynamicUser=yes',
    ...[...made].flatMap(([directive, names]) =>
      names.size === 0 ? [] : [`${directive}=${[...names].map(listed).join(' ')}`],
    ),
    ...(owned.length === 0 ? [] : [`ReadWritePaths=${owned.map(listed).join(' ')}`]),
    ...(entered === folder ? [] : ['# PWD tells a reload the link, so that it follows it.']),
    `Environment=${['NODE_ENV=production', ...(entered === folder ? [] : [`PWD=${entered}`]), ...environment].map(listed).join(' ')}`,
    ...(hasLowPort(deployment) ? ['AmbientCapabilities=CAP_NET_BIND_SERVICE'] : []),
    'NoNewPrivileges=yes',
    'ProtectSystem=strict',
    `ProtectHome=${homeFiles(deployment).length > 0 ? 'read-only' : 'yes'}`,
    'PrivateTmp=yes',
    `LimitNOFILE=${openFiles(descriptors)}`,
    '',
    '[Install]',
    'WantedBy=multi-user.target',
  ];
  return lines.join('\n');
}

/** Creates directories and gives them to the user of the service, who owns its runtime directory. */
const MAKE = `mkdir -p "$@" && chown --reference=/run/${NAME} "$@"`;

function warnings(deployment: Deployment): Pick<Diagnostic, 'message' | 'hint'>[] {
  const unwritable = placesOf(deployment).refused.map((written) => ({
    message: `[${written.group}] ${written.opt} may not be writable: the user of the service may not own ${directoryOf(written, written.value)}`,
    hint: `Name ${written.kind === 'socket' ? 'a path below /run/portico' : written.isLog ? 'a path below /var/log/portico' : 'a path below /var/lib/portico'}.`,
  }));
  return [...unwritable, ...unreadable(readPaths(deployment))];
}

/** Returns the paths that a start reads. */
function readPaths({ main, folder, words, files, secretFiles, secrets }: Deployment): ReadPath[] {
  const withSecrets = new Set([...secretFiles, ...secrets.map(({ file }) => file)]);
  return [
    ...[process.execPath, main, folder].map((path) => ({ path })),
    ...words.flatMap(({ option, value }) => (option === '--config-dir' ? [{ path: value, isListed: true }] : [])),
    ...[...files, ...secretFiles].map((path) => ({ path, isSecret: withSecrets.has(resolve(path)) })),
  ];
}

/** Parses a timeout in seconds: `infinity` means no limit, and so does 0 (systemd.service(5)). */
function timeoutOf(text: string): number {
  return (text === 'infinity' ? 0 : secondsOf(text)) || Number.POSITIVE_INFINITY;
}

const watchdog = ({ workerTimeout }: Deployment): number => Math.max(WATCHDOG_SECONDS, Math.ceil(workerTimeout) * 2);

const openFiles = (descriptors: number): number => Math.max(65_536, descriptors);

const hasLowPort = ({ apis }: Deployment): boolean =>
  apis.some(({ address }) => 'port' in address && address.port > 0 && address.port < 1024);

/** Returns the files that `ProtectHome=` hides, also behind links. */
const homeFiles = (deployment: Deployment): string[] =>
  [
    ...readPaths(deployment).flatMap(({ path }) => [path, realPath(path)]),
    ...deployment.writes().map((each) => directoryOf(each, each.value)),
  ].filter((path) => /^\/(?:home|root|run\/user)(?:\/|$)/.test(path));

function check(text: string, deployment: Deployment, tell: Tell): void {
  const unit = parseUnit(text);
  checkProcess(unit, deployment, tell);
  checkTimes(unit, deployment, tell);
  checkSandbox(unit, deployment, tell);
}

function checkProcess(unit: Unit, { words, control }: Deployment, tell: Tell): void {
  const needs = (name: string, value: string, unset: string, otherwise: string): void => {
    const given = unit.last(name);
    if (given.value.startsWith(value)) return;
    tell(given.line, `${name} is ${given.value || unset}: ${otherwise}`, `Write ${name}=${value}.`);
  };
  // `notify-reload` notifies too.
  needs('Type', 'notify', 'simple', 'systemd does not wait until the APIs are ready');
  const access = unit.last('NotifyAccess');
  if (access.value !== 'all') {
    const message = 'NotifyAccess is not all: messages of the helper are dropped, and a start never completes';
    tell(access.line, message, 'Write NotifyAccess=all.');
  }
  needs('KillMode', 'mixed', 'control-group', 'workers also receive TERM, besides their parent');
  const reload = unit.last('ExecReload');
  if (reload.value === '' && unit.last('Type').value !== 'notify-reload') {
    const hint = 'Write ExecReload= and the command of ExecStart, with the word reload after main.js.';
    tell(reload.line, 'ExecReload is missing: systemctl reload does not work', hint);
  } else if (control !== '' && /\bkill\b/.test(reload.value)) {
    const hint = 'Write the command of ExecStart, with the word reload after main.js.';
    const message = 'ExecReload sends a signal: systemctl reload succeeds even if the configuration is refused';
    tell(reload.line, message, hint);
  }
  const prevented = unit.last('RestartPreventExitStatus');
  const restart = unit.last('Restart');
  if (['', 'no', 'on-success'].includes(restart.value)) {
    const message = `Restart is ${restart.value || 'missing'}: a service that dies stays down`;
    tell(restart.line, message, 'Write Restart=on-failure.');
  } else if (!prevented.value.split(/\s+/).includes('78')) {
    const message = 'RestartPreventExitStatus has no 78: systemd restarts a refused configuration again and again';
    tell(prevented.line, message, 'Write RestartPreventExitStatus=78.');
  }
  const wait = unit.last('RestartSec');
  const limit = unit.last('StartLimitIntervalSec');
  const isPatient = timeoutOf(limit.value || '10s') === Number.POSITIVE_INFINITY;
  if (!isPatient && secondsOf(wait.value || '100ms') * START_BURST < secondsOf(limit.value || '10s')) {
    const message = `RestartSec is ${wait.value || '100ms'}: systemd gives up after ${START_BURST} starts, within seconds`;
    tell(wait.line, message, 'Write RestartSec=2, and StartLimitIntervalSec=0 in [Unit].');
  }
  needs('OOMPolicy', 'continue', 'stop', 'if the kernel kills a worker for memory, systemd stops the whole service');
  const start = unit.last('ExecStart');
  const started = wordsOf(start.value.replaceAll('--config-file=', '--config-file ')).flatMap((word, at, all) =>
    word === '--config-file' ? [basename(all[at + 1] ?? '')] : [],
  );
  const read = words.flatMap(({ option, value }) => (option === '--config-file' ? [basename(value)] : []));
  if (started.length > 0 && started.join() !== read.join()) {
    tell(start.line, `ExecStart reads ${started.join(', ')}, and this configuration is ${read.join(', ')}`);
  }
}

function checkTimes(unit: Unit, deployment: Deployment, tell: Tell): void {
  const { stopSeconds, workerTimeout, descriptors } = deployment;
  const stop = unit.last('TimeoutStopSec', 'TimeoutSec');
  const allowed = stop.value === '' ? DEFAULT_STOP_SECONDS : timeoutOf(stop.value);
  if (allowed < (stopSeconds ?? Number.POSITIVE_INFINITY)) {
    const message = `TimeoutStopSec is ${stop.value || DEFAULT_STOP_SECONDS}: a graceful shutdown can take ${stopSeconds === undefined ? 'forever' : `${stopSeconds} s`}`;
    tell(stop.line, message, `Write TimeoutStopSec=${stopSeconds ?? 'infinity'}.`);
  }
  const dog = unit.last('WatchdogSec');
  if (dog.value === '') {
    const message = 'WatchdogSec is missing: systemd does not notice a main process that hangs';
    tell(dog.line, message, `Write WatchdogSec=${watchdog(deployment)}.`);
  } else if (timeoutOf(dog.value) <= workerTimeout) {
    const message = `WatchdogSec is ${dog.value}: systemd stops the service before a stuck worker is replaced, after ${workerTimeout} s`;
    tell(dog.line, message, `Write WatchdogSec=${Math.ceil(workerTimeout) * 2}.`);
  }
  const files = unit.last('LimitNOFILE');
  const soft = files.value.split(':')[0]! || String(DEFAULT_FILES);
  if (/^\d+$/.test(soft) && Number(soft) < descriptors) {
    const message = `LimitNOFILE is ${files.value || DEFAULT_FILES}: a worker of max_connections needs ${descriptors}`;
    tell(files.line, message, `Write LimitNOFILE=${openFiles(descriptors)}.`);
  }
}

function checkSandbox(unit: Unit, deployment: Deployment, tell: Tell): void {
  const isRoot = !isOn(unit.last('DynamicUser').value) && ['', 'root', '0'].includes(unit.last('User').value);
  const capabilities = unit.last('AmbientCapabilities');
  if (hasLowPort(deployment) && !isRoot && !capabilities.value.includes('CAP_NET_BIND_SERVICE')) {
    const message = 'AmbientCapabilities has no CAP_NET_BIND_SERVICE: the user cannot listen on ports below 1024';
    tell(capabilities.line, message, 'Write AmbientCapabilities=CAP_NET_BIND_SERVICE.');
  }
  const home = unit.last('ProtectHome');
  const [hidden] = homeFiles(deployment);
  if (hidden !== undefined && (isOn(home.value) || home.value === 'tmpfs')) {
    tell(home.line, `ProtectHome is ${home.value}: ${hidden} cannot be read`);
  }
  const temporary = unit.last('PrivateTmp');
  const strict = unit.last('ProtectSystem');
  const set = new Map(wordsOf(unit.last('Environment').value).map((word) => splitOnce(word)));
  const isDynamic = isOn(unit.last('DynamicUser').value);
  const makes = wordsOf(unit.last('ExecStartPre').value);
  for (const written of deployment.writes(set.get(variableOf({ group: 'DEFAULT', opt: 'state_path' })))) {
    const named = `[${written.group}] ${written.opt}`;
    const directory = directoryOf(written, set.get(variableOf(written)) ?? written.value);
    if (isTemporary(directory)) {
      if (written.kind !== 'socket' || !isOn(temporary.value)) continue;
      const message = `PrivateTmp is on: other processes cannot find the socket in ${directory}`;
      tell(temporary.line, message, `Set ${named} to a path below /run.`);
    } else if (strict.value === 'strict' && !isWritable(unit, directory, [...Object.keys(MADE), 'ReadWritePaths'])) {
      const hint = `Write ${directiveFor(directory)}, or set ${variableOf(written)} in Environment.`;
      tell(strict.line, `ProtectSystem is strict: ${named} is in ${directory}, which cannot be written`, hint);
    } else if (isDynamic && !makes.includes(directory) && !isWritable(unit, directory, Object.keys(MADE))) {
      const hint =
        'systemd creates a StateDirectory or LogsDirectory for it; for others, api-cli generate systemd writes an ExecStartPre.';
      tell(unit.last('DynamicUser').line, `DynamicUser does not own ${directory}, where ${named} is`, hint);
    }
  }
}

/** Returns the directive that makes a directory writable. */
function directiveFor(directory: string): string {
  const { directive, name } = makerOf(directory) ?? { directive: 'ReadWritePaths', name: directory };
  return `${directive}=${listed(name)}`;
}

function splitOnce(word: string): [string, string] {
  const at = word.indexOf('=');
  return [word.slice(0, at), word.slice(at + 1)];
}
