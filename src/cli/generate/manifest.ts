/**
 * Reads manifests of Kubernetes, as far as their check needs them, and the settings that they make.
 */
import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseAllDocuments, type YAMLMap } from 'yaml';
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
  const ports = new Map(
    mapsIn(container.get('ports')).map((each) => [String(each.get('name')), textOf(each.get('containerPort'))]),
  );
  const entriesOf = (node: unknown, key: string): Entry[] => {
    if (!isNode(node)) return [];
    const { line } = lines.linePos(node.range?.[0] ?? 0);
    if (isAlias(node)) return [{ key: ELSEWHERE, value: `*${node.source}`, line }];
    if (isScalar(node)) {
      const value = String(node.value);
      return [{ key, value: /\.(?:port|targetPort)$/.test(key) ? (ports.get(value) ?? value) : value, line }];
    }
    if (isSeq(node)) {
      if (node.items.every((each) => isScalar(each)))
        return [{ key, value: node.items.map(({ value }) => String(value)).join(' '), line }];
      return node.items.flatMap((each) => (isMap(each) ? itemsOf(each, key, line) : []));
    }
    const inside = isMap(node) ? node.items.flatMap((each) => entriesOf(each.value, `${key}.${String(each.key)}`)) : [];
    return [{ key, value: '', line }, ...inside];
  };
  const itemsOf = (item: YAMLMap, key: string, above: number): Entry[] => {
    const line = item.range === undefined || item.range === null ? above : lines.linePos(item.range[0]).line;
    if (key === 'container.envFrom') return [{ key: ELSEWHERE, value: ALL_OF, line }];
    if (key === 'container.volumeMounts') {
      const value = String(item.get('mountPath'));
      return [{ key: item.get('readOnly') === true ? 'readOnlyMount' : 'mount', value, line }];
    }
    if (key !== 'container.env') return [];
    const name = String(item.get('name'));
    if (item.has('valueFrom') || isAlias(item.get('value', true)))
      return name.startsWith('PORTICO_') ? [{ key: ELSEWHERE, value: name, line }] : [];
    return [{ key: `${key}.${name}`, value: textOf(item.get('value')), line }];
  };
  const labels = document.getIn(['spec', 'template', 'metadata', 'labels']);
  // Another app may have its Service in the same file.
  const reaches = (selector: unknown): boolean =>
    !isMap(selector) || !isMap(labels) || selector.items.every(({ key }) => labels.get(key) === selector.get(key));
  const targets = documents
    .filter((each) => each.get('kind') === 'Service' && reaches(each.getIn(['spec', 'selector'])))
    .flatMap((each) => mapsIn(each.getIn(['spec', 'ports'])))
    .flatMap((port) => entriesOf(port.get('targetPort', true) ?? port.get('port', true), 'Service.targetPort'));
  const words = ['command', 'args'].flatMap((each) => entriesOf(container.get(each, true), COMMAND));
  const command = words.slice(0, 1).map((each) => ({ ...each, value: words.map(({ value }) => value).join(' ') }));
  const others = entriesOf(container, 'container').filter(({ key }) => !/^container\.(?:command|args)$/.test(key));
  return [...entriesOf(pod, 'pod'), ...others, ...command, ...targets];
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
