/**
 * Reads manifests of Kubernetes, as far as a comparison needs them, and the settings that they make.
 */
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  type YAMLMap,
} from 'yaml';
import type { Entry } from './compare.js';

/** Value of a variable that has its value elsewhere, such as in a Secret. */
const UNKNOWN = '(elsewhere)';
/** Key of variables of which the file does not even have the names. */
const OTHERS = 'container.env.*';

/** Key of the paths of volumes that are mounted read-only. */
export const READ_ONLY = 'container.volumeMounts.readOnly';

/** Reports whether a variable may have a value that the file does not show. */
export function isUnknown(file: readonly Entry[], name: string): boolean {
  const value = file.findLast(({ key }) => key === `container.env.${name}`)?.value;
  return value === undefined ? file.some(({ key }) => key === OTHERS) : value === UNKNOWN;
}

/** Returns the words that replace `ENTRYPOINT` and `CMD` of the image; none: undefined. */
export function wordsIn(file: readonly Entry[]): string | undefined {
  const keys = ['container.command', 'container.args'];
  const given = file.filter(({ key }) => keys.includes(key));
  return given.length === 0 ? undefined : given.map(({ value }) => value).join(' ');
}

/**
 * Returns the variables and the `--set` of a manifest, which are part of the configuration of its pods. Left out are values that only a
 * cluster has: of Secrets, of files in variables that end in `_FILE`, and with `$(…)`.
 */
export function settingsIn(file: readonly Entry[]): { readonly env: Record<string, string>; readonly set: string[] } {
  const variables = file.flatMap(({ key, value }): [string, string][] => {
    const [, name] = /^container\.env\.(PORTICO_\w+)$/.exec(key) ?? [];
    const isGiven = name !== undefined && !name.endsWith('_FILE') && value !== UNKNOWN && !value.includes('$(');
    return isGiven ? [[name, value]] : [];
  });
  const set = [...(wordsIn(file) ?? '').matchAll(/(?:^|\s)--set[=\s](\S+)/g)].flatMap(([, word]) =>
    word!.includes('$(') ? [] : [word!],
  );
  return { env: Object.fromEntries(variables), set };
}

/**
 * Reads the first pod template that sets an option, its container, the ports of Services, and selectors with the labels that they may find.
 * A name of a port of the container is its number; a command is one value.
 */
export function readManifest(text: string): Entry[] {
  const lines = new LineCounter();
  const documents = [...parseAllDocuments(text, { lineCounter: lines })];
  const [broken] = documents.flatMap(({ errors }) => errors);
  const top = { key: '', value: '', line: 1 };
  if (broken !== undefined)
    return [top, { key: 'YAML', value: invalid(broken.message), line: lines.linePos(broken.pos[0]).line }];
  const lineOf = (node: YAMLMap): number => lines.linePos(node.range![0]).line;
  const templates = documents.filter((each) => isMap(podIn(each)));
  const deployed = templates.find((each) => containersIn(each).some(setsOption)) ?? templates[0];
  const pod = deployed && podIn(deployed);
  const containers = deployed === undefined ? [] : containersIn(deployed);
  // Beside it there may be others, such as one of a mesh.
  const container =
    containers.find((each) => each.get('name') === deployed?.getIn(['metadata', 'name'])) ??
    containers.find(setsOption) ??
    containers[0];
  const ports = itemsOf(container, 'ports').map((port) => [port.get('name'), port.get('containerPort')]);
  const named = new Map(ports.map(([name, port]) => [String(name), String(port)]));
  const services = documents.filter((each) => each.get('kind') === 'Service').map((each) => each.get('spec'));
  const targets = services.flatMap((spec) =>
    itemsOf(spec, 'ports').map((port) => port.get('targetPort', true) ?? port.get('port', true)),
  );
  const maps = new Map(
    documents.flatMap((each) => {
      const data = each.get('data');
      return each.get('kind') === 'ConfigMap' && isMap(data)
        ? [[each.getIn(['metadata', 'name']), data.toJSON() as Readonly<Record<string, string | number>>] as const]
        : [];
    }),
  );
  const setting = (each: YAMLMap): Entry => {
    const from = ['valueFrom', 'configMapKeyRef'];
    const elsewhere = maps.get(each.getIn([...from, 'name']))?.[String(each.getIn([...from, 'key']))] ?? UNKNOWN;
    const given = (each.get('value') as string | number | undefined) ?? '';
    const value = each.has('valueFrom') ? elsewhere : given;
    return { key: `container.env.${String(each.get('name'))}`, value: String(value), line: lineOf(each) };
  };
  const settingsOf = (each: YAMLMap): Entry[] => {
    const line = lineOf(each);
    const prefix = (each.get('prefix') as string | undefined) ?? '';
    const data = maps.get(each.getIn(['configMapRef', 'name']));
    if (data === undefined) return [{ key: OTHERS, value: UNKNOWN, line }];
    return Object.entries(data).map(([name, value]) => ({
      key: `container.env.${prefix}${name}`,
      value: String(value),
      line,
    }));
  };
  const flat = (node: unknown, key: string): Entry[] => {
    if (!isNode(node)) return [];
    const value = isScalar(node) ? String(node.value) : '';
    const entry = {
      key,
      value: /\.(?:p|targetP)ort$/.test(key) ? (named.get(value) ?? value) : value,
      line: lines.linePos(node.range![0]).line,
    };
    if (key === 'container.env' && isSeq(node)) return [entry, ...itemsOf(container, 'env').map(setting)];
    if (key === 'container.volumeMounts' && isSeq(node))
      return itemsOf(container, 'volumeMounts').flatMap((each) => [
        ...flat(each.get('mountPath', true), `${key}.mountPath`),
        ...(each.get('readOnly') === true ? flat(each.get('mountPath', true), READ_ONLY) : []),
      ]);
    if (/^container\.(?:command|args)$/.test(key) && isSeq(node))
      return [{ ...entry, value: (node.toJSON() as unknown[]).join(' ') }];
    if (isSeq(node)) return [entry, ...node.items.flatMap((each) => flat(each, key))];
    return isMap(node)
      ? [entry, ...node.items.flatMap((each) => flat(each.value, `${key}.${String(each.key)}`))]
      : [entry];
  };
  const reached = container === undefined ? [] : targets.flatMap((target) => flat(target, 'Service.targetPort'));
  const pairsAt = (document: Document.Parsed, path: readonly string[], key: string): Entry[] => {
    const written = document.getIn(path, true);
    const node = isAlias(written) ? written.resolve(document) : written;
    if (!isMap(node)) return [];
    return node.items.flatMap((each) =>
      flat(each.value, key).map((entry) => ({ ...entry, value: `${String(each.key)}: ${entry.value}` })),
    );
  };
  const labels = documents.flatMap((each) => [
    ...pairsAt(each, ['spec', 'template', 'metadata', 'labels'], 'label'),
    ...(each.get('kind') === 'Pod' ? pairsAt(each, ['metadata', 'labels'], 'label') : []),
  ]);
  const selectors = documents.flatMap((each) => {
    const kind = String(each.get('kind'));
    if (container === undefined) return [];
    if (kind !== 'Service') return pairsAt(each, ['spec', 'selector', 'matchLabels'], `${kind}.selector`);
    const selected = pairsAt(each, ['spec', 'selector'], 'Service.selector');
    const isOurs = each.getIn(['metadata', 'name']) === deployed?.getIn(['metadata', 'name']);
    // Another app may have its Service in the same file.
    return isOurs || selected.some(({ value }) => labels.some((label) => label.value === value)) ? selected : [];
  });
  const name = flat(deployed?.getIn(['metadata', 'name'], true), 'Deployment.name');
  const replicas = flat(deployed?.getIn(['spec', 'replicas'], true), 'Deployment.replicas');
  const annotations = flat(deployed?.getIn(['spec', 'template', 'metadata', 'annotations'], true), 'annotation');
  const isLabel = ({ value }: Entry): boolean => labels.some((label) => label.value === value);
  const monitored = documents.flatMap((each) => {
    const kind = String(each.get('kind'));
    if (!pairsAt(each, ['spec', 'selector', 'matchLabels'], '').some(isLabel)) return [];
    if (kind === 'PodDisruptionBudget')
      return ['maxUnavailable', 'minAvailable'].flatMap((word) =>
        flat(each.getIn(['spec', word], true), `${kind}.${word}`),
      );
    if (kind !== 'PodMonitor') return [];
    return itemsOf(each.get('spec'), 'podMetricsEndpoints').flatMap((point) =>
      flat(point.get('port', true), `${kind}.port`),
    );
  });
  const variables = itemsOf(container, 'envFrom').flatMap(settingsOf);
  return [
    top,
    ...flat(pod, 'pod'),
    ...(variables.length > 0 && !container?.has('env') ? [{ ...variables[0]!, key: 'container.env', value: '' }] : []),
    ...variables,
    ...flat(container, 'container'),
    ...reached,
    ...name,
    ...replicas,
    ...annotations,
    ...monitored,
    ...labels,
    ...selectors,
  ];
}

/** Returns the first sentence of an error, without its position. */
const invalid = (message: string): string => `invalid (${message.replace(/(?: at line \d+, column \d+)?:?\n.*/s, '')})`;

const podIn = (document: Document): YAMLMap | undefined =>
  document.getIn(['spec', 'template', 'spec'], true) as YAMLMap | undefined;

const containersIn = (document: Document): YAMLMap[] => itemsOf(podIn(document), 'containers');

/** Reports whether a container has a variable of an option, which all generated ones have. */
const setsOption = (container: YAMLMap): boolean =>
  itemsOf(container, 'env').some((each) => String(each.get('name')).startsWith('PORTICO_'));

/** Returns the maps in a list. */
function itemsOf(node: unknown, key: string): YAMLMap[] {
  const list = isMap(node) ? node.get(key, true) : undefined;
  return isSeq(list) ? list.items.filter((each) => isMap(each)) : [];
}
