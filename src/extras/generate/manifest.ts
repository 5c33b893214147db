/**
 * Reads manifests of Kubernetes, as far as their check needs them, and the settings that they make.
 */
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  type YAMLMap,
} from 'yaml';
import { type Entry, lastOf } from './compare.js';

/** Key of what cannot be read: the whole file, or values that are elsewhere. */
export const UNREADABLE = 'unreadable';
export const ELSEWHERE = 'elsewhere';
/** Key of the words of `command` and `args`. */
export const COMMAND = 'container.command';
/** Name of the variables of `envFrom`, which the file does not have. */
const ALL_OF = 'envFrom';

/** Reports whether a variable may have a value that the file does not show. */
export function isUnknown(file: readonly Entry[], name: string): boolean {
  if (file.some(({ key }) => key === `container.env.${name}`)) return false;
  return file.some(({ key, value }) => key === ELSEWHERE && [name, ALL_OF].includes(value));
}

/** Returns the words that replace `ENTRYPOINT` and `CMD` of the image; none: undefined. */
export function wordsIn(file: readonly Entry[]): string | undefined {
  return lastOf(file, COMMAND) || undefined;
}

/**
 * Returns the variables and the `--set` of a manifest, which are part of the configuration of its pods. Left out are values that only a
 * cluster has: of files in variables that end in `_FILE`, and with `$(…)`.
 */
export function settingsIn(file: readonly Entry[]): { readonly env: Record<string, string>; readonly set: string[] } {
  const variables = file.flatMap(({ key, value }): [string, string][] => {
    const [, name] = /^container\.env\.(PORTICO_\w+)$/.exec(key) ?? [];
    return name !== undefined && !name.endsWith('_FILE') && !value.includes('$(') ? [[name, value]] : [];
  });
  const words = (wordsIn(file) ?? '').matchAll(/(?:^|\s)--set[=\s](\S+)/g);
  const set = [...words].flatMap(([, word]) => (word!.includes('$(') ? [] : [word!]));
  return { env: Object.fromEntries(variables), set };
}

/**
 * Reads the first pod that sets an option, its container, and the target ports of Services. A port by its name is its number; a list of
 * words is one value; of `env` each variable has its name in the key.
 */
export function readManifest(text: string): Entry[] {
  const lines = new LineCounter();
  const documents = [...parseAllDocuments(text, { lineCounter: lines })];
  const [broken] = documents.flatMap(({ errors }) => errors);
  if (broken !== undefined) {
    const reason = broken.message.replace(/(?: at line \d+, column \d+)?:?\n.*/s, '');
    return [{ key: UNREADABLE, value: `it is no YAML: ${reason}`, line: lines.linePos(broken.pos[0]).line }];
  }
  const all = documents.flatMap((document) => {
    const pod = document.getIn(['spec', 'template', 'spec'], true);
    return isMap(pod) ? mapsIn(pod.get('containers')).map((container) => ({ document, pod, container })) : [];
  });
  const { document, pod, container } = all.find((each) => setsOption(each.container)) ?? all[0] ?? {};
  if (document === undefined || pod === undefined || container === undefined)
    return [{ key: UNREADABLE, value: 'it has no pod template with a container', line: 1 }];
  const ports = mapsIn(container.get('ports')).map(
    (each) => [each.get('name'), textOf(each.get('containerPort'))] as const,
  );
  const reader: Reader = { ports: new Map(ports), lineOf: (node) => lines.linePos(node.range?.[0] ?? 0).line };
  const words = ['command', 'args'].flatMap((each) => entriesOf(container.get(each, true), COMMAND, reader));
  const command = words.slice(0, 1).map((each) => ({ ...each, value: words.map(({ value }) => value).join(' ') }));
  const others = entriesOf(container, 'container', reader).filter(
    ({ key }) => !/^container\.(?:command|args)$/.test(key),
  );
  const targets = targetsIn(documents, document.getIn(['spec', 'template', 'metadata', 'labels']));
  return [
    ...entriesOf(pod, 'pod', reader),
    ...others,
    ...command,
    ...targets.flatMap((target) => entriesOf(target, 'Service.targetPort', reader)),
  ];
}

/** The ports of the container by their names, and the lines of nodes. */
interface Reader {
  readonly ports: ReadonlyMap<unknown, string>;
  lineOf(node: Node): number;
}

/** Returns the values in a node, below a key. */
function entriesOf(node: unknown, key: string, reader: Reader): Entry[] {
  if (!isNode(node)) return [];
  const line = reader.lineOf(node);
  if (isAlias(node)) return [{ key: ELSEWHERE, value: `*${node.source}`, line }];
  if (isScalar(node)) {
    const value = String(node.value);
    return [{ key, value: /\.(?:port|targetPort)$/.test(key) ? (reader.ports.get(value) ?? value) : value, line }];
  }
  if (isMap(node)) {
    const inside = node.items.flatMap((each) => entriesOf(each.value, `${key}.${String(each.key)}`, reader));
    return [{ key, value: '', line }, ...inside];
  }
  if (node.items.every((each) => isScalar(each)))
    return [{ key, value: node.items.map(({ value }) => String(value)).join(' '), line }];
  return node.items.flatMap((each) => (isMap(each) ? itemOf(each, key, reader) : entriesOf(each, key, reader)));
}

/** Returns the value of an item of a list. */
function itemOf(item: YAMLMap, key: string, { lineOf }: Reader): Entry[] {
  const line = lineOf(item);
  if (key === 'container.envFrom') return [{ key: ELSEWHERE, value: ALL_OF, line }];
  if (key === 'container.volumeMounts') {
    const isReadOnly = item.get('readOnly') === true;
    return [{ key: isReadOnly ? 'readOnlyMount' : 'mount', value: textOf(item.get('mountPath')), line }];
  }
  if (key !== 'container.env') return [];
  const name = textOf(item.get('name'));
  if (item.has('valueFrom') || isAlias(item.get('value', true)))
    return name.startsWith('PORTICO_') ? [{ key: ELSEWHERE, value: name, line }] : [];
  return [{ key: `${key}.${name}`, value: textOf(item.get('value')), line }];
}

/** Returns the target ports of the Services that find these labels: another app may have its Service in the same file. */
function targetsIn(documents: readonly Document.Parsed[], labels: unknown): unknown[] {
  const finds = (selector: unknown): boolean =>
    !isMap(selector) || !isMap(labels) || selector.items.every(({ key }) => labels.get(key) === selector.get(key));
  return documents
    .filter((each) => each.get('kind') === 'Service' && finds(each.getIn(['spec', 'selector'])))
    .flatMap((each) => mapsIn(each.getIn(['spec', 'ports'])))
    .map((port) => port.get('targetPort', true) ?? port.get('port', true));
}

/** Reports whether a container has a variable of an option, as all generated ones. */
const setsOption = (container: YAMLMap): boolean =>
  mapsIn(container.get('env')).some((each) => String(each.get('name')).startsWith('PORTICO_'));

/** Returns a scalar as text; another node has none. */
const textOf = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';

/** Returns the maps in a list. */
function mapsIn(list: unknown): YAMLMap[] {
  return isSeq(list) ? list.items.filter((each) => isMap(each)) : [];
}
