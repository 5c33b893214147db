/**
 * A unit for systemd, systemd.service(5) and systemd.exec(5).
 */
import { basename, dirname } from 'node:path';
import {
  type Deployment,
  type DeploymentFile,
  secondsOf,
  type Tell,
  variablesComment,
  writtenBy,
} from './deployment.js';

const STATE = '/var/lib/portico';
/** Shorter ones would end a service that only replaces a worker. */
const WATCHDOG_SECONDS = 60;
const DEFAULT_STOP_SECONDS = 90;

export const systemd: DeploymentFile = { generate, check };

function generate(deployment: Deployment): string {
  const { main, words, folder, apis, services, stopSeconds, descriptors, statePath } = deployment;
  const start = [process.execPath, main, ...words.flatMap(({ option, value }) => [option, value])];
  const own = statePath.isDefault ? STATE : statePath.path;
  const state = below('/var/lib', own);
  const run = new Set(socketFolders(deployment).map((path) => below('/run', path) ?? ''));
  const writable = [...(state === undefined ? [own] : []), ...socketFolders(deployment).filter((path) => !isRun(path))];
  const lines = [
    writtenBy('systemd'),
    ...variablesComment('the unit', deployment),
    '',
    '[Unit]',
    `Description=${apis.length > 0 ? 'APIs served' : 'Services run'} by Portico: ${plain([...apis.map(({ name }) => name), ...services].join(', '))}`,
    'After=network-online.target',
    'Wants=network-online.target',
    '',
    '[Service]',
    '# READY=1 is sent when every worker of every API accepts, RELOADING=1 and STOPPING=1 when these begin.',
    'Type=notify',
    '# A helper, a child of the main process, sends them.',
    'NotifyAccess=all',
    `WorkingDirectory=${plain(folder)}`,
    `ExecStart=${start.map(quoted).join(' ')}`,
    'ExecReload=/bin/kill -HUP $MAINPID',
    '# TERM goes to the main process alone, which stops its workers; what is left at the end is killed.',
    'KillMode=mixed',
    '# graceful_shutdown_timeout, and the time to kill what is left.',
    `TimeoutStopSec=${stopSeconds ?? 'infinity'}`,
    '# Longer than worker_timeout: a stuck worker is replaced before systemd ends the service.',
    `WatchdogSec=${watchdog(deployment)}`,
    'Restart=on-failure',
    '# A configuration that was refused is refused again: status 78 waits for an edit.',
    'RestartPreventExitStatus=78',
    '',
    'DynamicUser=yes',
    `RuntimeDirectory=${[...new Set(['portico', ...run])]
      .filter((name) => name !== '')
      .map(listed)
      .join(' ')}`,
    ...(state === undefined ? [] : [`StateDirectory=${listed(state)}`]),
    ...(writable.length === 0 ? [] : [`ReadWritePaths=${writable.map(listed).join(' ')}`]),
    `Environment=NODE_ENV=production${statePath.isDefault ? ` PORTICO_DEFAULT__STATE_PATH=${STATE}` : ''}`,
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

/** A timeout in seconds: `infinity` is for ever, and so is 0, systemd.service(5). */
function timeoutOf(text: string): number {
  return (text === 'infinity' ? 0 : secondsOf(text)) || Number.POSITIVE_INFINITY;
}

/** A text as systemd reads it: specifiers are none of ours. */
const plain = (text: string): string => text.replaceAll('%', '%%');

/** A word of a list as systemd reads it. */
function listed(word: string): string {
  const text = plain(word);
  return /[\s"'\\;]/.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : text;
}

/** A word of a command line: variables are none of ours. */
const quoted = (word: string): string => listed(word.replaceAll('$', '$$$$'));

/** The words of a list or a command line. */
function wordsOf(value: string): string[] {
  return [...value.matchAll(/"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|\S+/g)].map(([word, double, single]) =>
    (double ?? single ?? word).replace(/\\(.)/g, '$1').replaceAll('%%', '%').replaceAll('$$', '$'),
  );
}

const watchdog = ({ workerTimeout }: Deployment): number => Math.max(WATCHDOG_SECONDS, Math.ceil(workerTimeout) * 2);

const openFiles = (descriptors: number): number => Math.max(65_536, descriptors);

const hasLowPort = ({ apis }: Deployment): boolean =>
  apis.some(({ address }) => 'port' in address && address.port > 0 && address.port < 1024);

/** The folders of the sockets that APIs listen on. */
const socketFolders = ({ apis }: Deployment): string[] =>
  apis.flatMap(({ address }) => ('path' in address ? [dirname(address.path)] : []));

const isRun = (path: string): boolean => below('/run', path) !== undefined;

/** The files that `ProtectHome=` hides. */
const homeFiles = ({ files, main, folder }: Deployment): string[] =>
  [main, folder, ...files].filter((path) => /^\/(?:home|root|run\/user)(?:\/|$)/.test(path));

/** What a path has below a folder; undefined for one elsewhere. */
function below(folder: string, path: string): string | undefined {
  return path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : undefined;
}

function check(text: string, deployment: Deployment, tell: Tell): void {
  const unit = parseUnit(text);
  checkProcess(unit, deployment, tell);
  checkTimes(unit, deployment, tell);
  checkSandbox(unit, deployment, tell);
}

function checkProcess(unit: Unit, { words }: Deployment, tell: Tell): void {
  const type = unit.last('Type');
  if (!type.value.startsWith('notify')) {
    const message = `Type is ${type.value || 'simple'}: systemd does not wait until the APIs serve`;
    tell(type.line, message, 'Write Type=notify.');
  }
  const access = unit.last('NotifyAccess');
  if (access.value !== 'all') {
    const message = 'NotifyAccess is not all: what the helper sends is dropped, and a start never ends';
    tell(access.line, message, 'Write NotifyAccess=all.');
  }
  const mode = unit.last('KillMode');
  if (mode.value !== 'mixed') {
    const message = `KillMode is ${mode.value || 'control-group'}: workers are sent TERM beside their parent`;
    tell(mode.line, message, 'Write KillMode=mixed.');
  }
  const reload = unit.last('ExecReload');
  if (reload.value === '' && type.value !== 'notify-reload') {
    const hint = 'Write ExecReload=/bin/kill -HUP $MAINPID.';
    tell(reload.line, 'ExecReload is missing: systemctl reload cannot be asked', hint);
  }
  const prevented = unit.last('RestartPreventExitStatus');
  const restart = unit.last('Restart').value;
  if (restart !== '' && restart !== 'no' && !prevented.value.split(/\s+/).includes('78')) {
    const message = 'RestartPreventExitStatus has no 78: a configuration that is refused is started again and again';
    tell(prevented.line, message, 'Write RestartPreventExitStatus=78.');
  }
  const start = unit.last('ExecStart');
  const started = wordsOf(start.value.replaceAll('--config-file=', '--config-file ')).flatMap((word, at, all) =>
    word === '--config-file' ? [basename(all[at + 1] ?? '')] : [],
  );
  const read = words.flatMap(({ option, value }) => (option === '--config-file' ? [basename(value)] : []));
  if (started.length > 0 && started.join() !== read.join()) {
    tell(start.line, `ExecStart reads ${started.join(', ')}, and this configuration is ${read.join(', ')}`);
  }
}

function checkTimes(unit: Unit, { stopSeconds, workerTimeout, descriptors }: Deployment, tell: Tell): void {
  const stop = unit.last('TimeoutStopSec', 'TimeoutSec');
  const allowed = stop.value === '' ? DEFAULT_STOP_SECONDS : timeoutOf(stop.value);
  if (allowed < (stopSeconds ?? Number.POSITIVE_INFINITY)) {
    const message = `TimeoutStopSec is ${stop.value || DEFAULT_STOP_SECONDS}: a graceful stop may take ${stopSeconds === undefined ? 'for ever' : `${stopSeconds} s`}`;
    tell(stop.line, message, `Write TimeoutStopSec=${stopSeconds ?? 'infinity'}.`);
  }
  const dog = unit.last('WatchdogSec');
  if (dog.value !== '' && timeoutOf(dog.value) <= workerTimeout) {
    const message = `WatchdogSec is ${dog.value}: systemd ends the service before a stuck worker is replaced, after ${workerTimeout} s`;
    tell(dog.line, message, `Write WatchdogSec=${Math.ceil(workerTimeout) * 2}.`);
  }
  const files = unit.last('LimitNOFILE');
  const soft = files.value.split(':')[0]!;
  if (/^\d+$/.test(soft) && Number(soft) < descriptors) {
    const message = `LimitNOFILE is ${files.value}: a worker of max_connections needs ${descriptors}`;
    tell(files.line, message, `Write LimitNOFILE=${openFiles(descriptors)}.`);
  }
}

function checkSandbox(unit: Unit, deployment: Deployment, tell: Tell): void {
  const isRoot = !isOn(unit.last('DynamicUser').value) && ['', 'root', '0'].includes(unit.last('User').value);
  const capabilities = unit.last('AmbientCapabilities');
  if (hasLowPort(deployment) && !isRoot && !capabilities.value.includes('CAP_NET_BIND_SERVICE')) {
    const message = 'AmbientCapabilities has no CAP_NET_BIND_SERVICE: the user may not listen below port 1024';
    tell(capabilities.line, message, 'Write AmbientCapabilities=CAP_NET_BIND_SERVICE.');
  }
  const home = unit.last('ProtectHome');
  const [hidden] = homeFiles(deployment);
  if (hidden !== undefined && (isOn(home.value) || home.value === 'tmpfs')) {
    tell(home.line, `ProtectHome is ${home.value}: ${hidden} cannot be read`);
  }
  const temporary = unit.last('PrivateTmp');
  const strict = unit.last('ProtectSystem');
  for (const folder of socketFolders(deployment)) {
    if (isOn(temporary.value) && /^(?:\/var)?\/tmp(?:\/|$)/.test(folder)) {
      const message = `PrivateTmp is on: nothing outside finds the socket in ${folder}`;
      tell(temporary.line, message, 'Let the API listen below /run.');
    } else if (strict.value === 'strict' && !isWritable(unit, folder)) {
      tell(strict.line, `ProtectSystem is strict: no socket can be made in ${folder}`);
    }
  }
  const { path } = deployment.statePath;
  const isElsewhere = unit.last('Environment').value.includes('PORTICO_DEFAULT__STATE_PATH=');
  if (strict.value === 'strict' && !isElsewhere && !isWritable(unit, path)) {
    const hint = `Write ReadWritePaths=${listed(path)}, or set PORTICO_DEFAULT__STATE_PATH to a StateDirectory.`;
    tell(strict.line, `ProtectSystem is strict: state_path is ${path}`, hint);
  }
}

const isOn = (value: string): boolean => ['yes', 'true', 'on', '1'].includes(value);

function isWritable(unit: Unit, path: string): boolean {
  const named = (name: string, folder = ''): string[] => wordsOf(unit.last(name).value).map((each) => folder + each);
  const folders = [
    ...named('ReadWritePaths'),
    ...named('RuntimeDirectory', '/run/'),
    ...named('StateDirectory', '/var/lib/'),
  ];
  return folders.some((folder) => path === folder || path.startsWith(`${folder}/`));
}

/** An assignment of the section `[Service]`. Without one: an empty value, and the line of the section. */
interface Assignment {
  readonly value: string;
  readonly line: number;
}

/** What the section `[Service]` of a unit says: systemd.syntax(7). */
interface Unit {
  /** What these directives come to, where several stand for one thing: the last assignment. Lists are joined by blanks. */
  last(...names: readonly string[]): Assignment;
}

/** Directives that add to what stands before. */
const LISTS = ['Environment', 'ReadWritePaths', 'RuntimeDirectory', 'StateDirectory', 'AmbientCapabilities'];

function parseUnit(text: string): Unit {
  const found = new Map<string, Assignment>();
  let section = '';
  let sectionLine = 1;
  const lines = text.split(/\r?\n/);
  for (let at = 0; at < lines.length; at++) {
    const line = at + 1;
    let written = lines[at]!.trim();
    if (/^[#;]/.test(written)) continue;
    while (written.endsWith('\\') && at + 1 < lines.length) written = `${written.slice(0, -1)} ${lines[++at]!.trim()}`;
    const header = /^\[(.+)\]$/.exec(written)?.[1];
    if (header !== undefined) {
      section = header;
      if (section === 'Service') sectionLine = line;
    }
    const [, name, value] = /^(\w+)\s*=\s*(.*)$/.exec(written) ?? [];
    if (section !== 'Service' || name === undefined) continue;
    const before = LISTS.includes(name) && value !== '' ? (found.get(name)?.value ?? '') : '';
    found.set(name, { value: before === '' ? value! : `${before} ${value}`, line });
  }
  return {
    last: (...names) => {
      const [last] = names.flatMap((name) => found.get(name) ?? []).sort((a, b) => b.line - a.line);
      return last ?? { value: '', line: sectionLine };
    },
  };
}
