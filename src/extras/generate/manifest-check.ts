/**
 * The check of an existing manifest: what loses requests, and what keeps a pod from its start. All else is compared by `diff`.
 */
import { type Entry, lastOf, type Tell } from './compare.js';
import { type Deployment, LONGEST_SECONDS, openPorts, portOf, portsOf } from './deployment.js';
import {
  APP,
  entryPointStarts,
  isHidden,
  isInApp,
  OTHER_PROGRAM,
  opensApi,
  placesInImage,
  startsProgram,
} from './docker.js';
import { COMMAND, ELSEWHERE, isUnknown, readManifest, UNREADABLE, wordsIn } from './manifest.js';
import { DRAIN, LEAVES_SECONDS, METRICS_LISTEN, probesOf } from './pod-probes.js';
import { below } from './systemd-unit.js';

/** An existing manifest, and the deployment with what it sets. */
interface Checked {
  readonly deployment: Deployment;
  readonly file: readonly Entry[];
}

/** A reason why the value of a key is wrong. */
interface Row {
  readonly key: string;
  /** The value of a key that is missing, if that can be wrong. */
  readonly unset?: string;
  /** Returns why a value is wrong. */
  wrong(value: string, checked: Checked): string | false | undefined;
  readonly hint: string | ((checked: Checked) => string);
}

const PROBES = ['startupProbe', 'readinessProbe', 'livenessProbe'];

const ROWS: readonly Row[] = [
  {
    key: 'pod.terminationGracePeriodSeconds',
    unset: '30',
    wrong: (value, checked) =>
      Number(value) < graceSeconds(checked) &&
      `a stop takes up to ${graceSeconds(checked)} s, and then requests are cut off`,
    hint: (checked) => `Write: terminationGracePeriodSeconds: ${graceSeconds(checked)}`,
  },
  {
    key: 'container',
    wrong: (_, { deployment, file }) =>
      deployment.options.drainDelay === 0 &&
      preStopSeconds(file) === 0 &&
      !isUnknown(file, DRAIN) &&
      'it stops while Services still send to it: it has neither drain_delay nor preStop',
    hint: ({ deployment }) => `Set ${DRAIN} in env: "${Math.min(LEAVES_SECONDS, deployment.mostDrainSeconds)}".`,
  },
  {
    key: COMMAND,
    wrong: (words) => hidesSignals(words) && 'a shell or a package manager does not forward SIGTERM',
    hint: 'Write the words of the command alone, or exec before it in a script.',
  },
  {
    key: COMMAND,
    wrong: (words, { deployment }) => !isOurs(words, deployment) && OTHER_PROGRAM,
    hint: 'Write the words of CMD in the Dockerfile.',
  },
  {
    key: COMMAND,
    wrong: (words, checked) => {
      const [api] = hiddenBy(words, checked);
      return api !== undefined && `${api.name} listens on loopback, which no Service reaches`;
    },
    hint: (checked) => `Add --set and "api:${hiddenBy(wordsIn(checked.file)!, checked)[0]!.name}.listen=0.0.0.0".`,
  },
  {
    key: 'container.securityContext.readOnlyRootFilesystem',
    wrong: (value, { deployment, file }) => {
      const lacking = writtenIn(deployment).find((path) => mountOf(path, file) === undefined);
      return value === 'true' && lacking !== undefined && `${lacking} is written to, and no volume is there`;
    },
    hint: 'Mount a volume there.',
  },
  {
    key: 'readOnlyMount',
    wrong: (value, { deployment, file }) => {
      const path = writtenIn(deployment).find((each) => mountOf(each, file) === value);
      return path !== undefined && `${path} is written to`;
    },
    hint: 'Remove readOnly.',
  },
  ...['mount', 'readOnlyMount'].map(
    (key): Row => ({
      key,
      wrong: (value) => value === APP && 'it hides the application',
      hint: 'Mount it elsewhere.',
    }),
  ),
  {
    key: 'container.readinessProbe',
    unset: '',
    wrong: (_, { file }) =>
      !file.some(({ key }) => key === 'container.readinessProbe') && 'a pod gets requests before it serves',
    hint: 'Copy it from a generated manifest.',
  },
  ...PROBES.flatMap((kind): Row[] => [
    ...['httpGet', 'tcpSocket'].map(
      (how): Row => ({
        key: `container.${kind}.${how}.port`,
        wrong: (value, checked) => !isServed(value, checked) && 'nothing listens there',
        hint: `Ask a port of the API, or of ${METRICS_LISTEN}.`,
      }),
    ),
    {
      key: `container.${kind}.httpGet.path`,
      unset: '/',
      wrong: (path, checked) => wrongPath(kind, path, checked),
      hint: kind === 'livenessProbe' ? 'Ask /healthz.' : 'Ask /readyz.',
    },
  ]),
  {
    key: 'Service.targetPort',
    wrong: (value, { deployment }) =>
      !deployment.apis.some((api) => String(portOf(api)) === value) && 'no API listens there',
    hint: 'Name a port of the container.',
  },
];

/** Tells what is wrong with a manifest, and what of it cannot be read. */
export function checkManifest(text: string, deployment: Deployment, tell: Tell): void {
  const file = readManifest(text);
  for (const { key, value, line } of file) {
    if (key === UNREADABLE)
      tell(line, `the manifest cannot be read: ${value}`, 'Correct this line, or name another file.');
    if (key === ELSEWHERE)
      tell(line, `${value} is not read: its value is not in this file`, 'Compare it by hand.', 'warning');
  }
  if (file.some(({ key }) => key === UNREADABLE)) return;
  const checked = { deployment, file };
  const told = new Set<string>();
  for (const { key, unset, wrong, hint } of ROWS) {
    for (const { value, line } of valuesOf(key, unset, file)) {
      const why = wrong(value, checked);
      // Of a value with several errors the first is reported: the others may follow from it.
      if (typeof why !== 'string' || told.has(`${key} ${line}`)) continue;
      told.add(`${key} ${line}`);
      const name = key.replace(/^(?:mount|readOnlyMount)$/, 'container.volumeMounts');
      const message = `${name}${value === '' ? '' : ` is ${value.length > 60 ? `${value.slice(0, 60)}…` : value}`}: ${why}`;
      tell(line, message, typeof hint === 'string' ? hint : hint(checked));
    }
  }
}

/** Returns the values of a key; of one that is missing `unset`, at the line of the block that would have it. */
function valuesOf(
  key: string,
  unset: string | undefined,
  file: readonly Entry[],
): readonly Pick<Entry, 'value' | 'line'>[] {
  const found = file.filter((each) => each.key === key);
  const block = file.find((each) => each.key === key.slice(0, key.lastIndexOf('.')));
  return found.length > 0 || unset === undefined || block === undefined ? found : [{ value: unset, line: block.line }];
}

const graceSeconds = ({ deployment, file }: Checked): number =>
  (deployment.stopSeconds ?? LONGEST_SECONDS) + preStopSeconds(file);

/** Returns the seconds that a container sleeps before SIGTERM, as far as they can be read; 0: none. */
function preStopSeconds(file: readonly Entry[]): number {
  const at = 'container.lifecycle.preStop';
  const [, seconds = 0] = /\bsleep\s+([\d.]+)/.exec(lastOf(file, `${at}.exec.command`)) ?? [];
  return Number(lastOf(file, `${at}.sleep.seconds`) || seconds);
}

/** Reports whether words start `api-cli`. Options alone are for the command that the image starts. */
const isOurs = (words: string, { folder }: Deployment): boolean =>
  startsProgram(words) || (words.startsWith('-') && entryPointStarts(folder) !== false);

/** Reports whether words start `api-cli` below a package manager, or below a shell that stays: one with several commands, without `exec`. */
function hidesSignals(words: string): boolean {
  const [, script] = /(?:^|[\s/])(?:da|a)?sh\s+-\w*c\s+(.*)$/s.exec(words) ?? [];
  if (script === undefined)
    return /^(?:\S*(?:tini|dumb-init)\s+(?:-\S*\s+)*)?(?:\S*\/)?(?:npm|npx|yarn|pnpm)\s/.test(words);
  const commands = script.split(/&&|\|\||[;|\n]/).filter((each) => each.trim() !== '');
  const last = commands.at(-1)?.trim() ?? '';
  return (commands.length > 1 && !last.startsWith('exec ')) || /^(?:exec\s+)?(?:npm|npx|yarn|pnpm)\s/.test(last);
}

/** Returns the APIs on loopback that the image opens with words, which those of the manifest replace. */
function hiddenBy(words: string, { deployment, file }: Checked) {
  return deployment.apis.filter(isHidden).filter(({ name }) => {
    const [word, variable] = opensApi(name);
    return !words.includes(word!) && !isUnknown(file, variable!);
  });
}

/** Returns the directories that the application writes to, and that volumes are for. */
export const writtenIn = (deployment: Deployment): string[] => [
  // Without a temporary directory no service starts. A volume over the application would hide its files.
  '/tmp',
  ...placesInImage(deployment).directories.filter((path) => !isInApp(path)),
];

/** Returns the path of the volume that a path is in. */
function mountOf(path: string, file: readonly Entry[]): string | undefined {
  const mounts = file.flatMap(({ key, value }) => (/^(?:mount|readOnlyMount)$/.test(key) ? [value] : []));
  const around = mounts.filter((each) => each === path || below(each, path) !== undefined);
  return around.sort((a, b) => b.length - a.length)[0];
}

/** Reports whether something listens on a port of the pod. */
function isServed(port: string, { deployment, file }: Checked): boolean {
  return portsOf(deployment).some((each) => String(each) === port) || isUnknown(file, METRICS_LISTEN);
}

/** Returns what is wrong with the path that a probe asks. Health checks of an API have other paths than a listener, or one for both. */
function wrongPath(kind: string, path: string, checked: Checked): string | false {
  const { deployment, file } = checked;
  const at = `container.${kind}.httpGet`;
  const port = lastOf(file, `${at}.port`);
  if (kind === 'livenessProbe' && /^\/readyz$|\/ready$/.test(path)) return 'it restarts pods that are not ready';
  if (kind !== 'livenessProbe' && /^\/healthz$|\/live$/.test(path))
    return 'it responds with 200 before the pod serves, and while it stops';
  if (!isServed(port, checked) || isUnknown(file, METRICS_LISTEN)) return false;
  const scheme = lastOf(file, `${at}.scheme`) || 'HTTP';
  const isThere = probesOf(deployment, openPorts(deployment)).some(
    (each) =>
      each.scheme === scheme &&
      String(each.port) === port &&
      [each.ready, each.live, `${each.ready}/ready`].includes(path),
  );
  return !isThere && 'there is no health check';
}
