/**
 * Reads manifests of Kubernetes, as far as a comparison needs them.
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

/**
 * Reads the first pod template, its container, the ports of Services, and selectors with the labels that they may find. A name of a port of
 * the container is its number; a command is one value.
 */
export function read(text: string): Entry[] {
  const lines = new LineCounter();
  const documents = [...parseAllDocuments(text, { lineCounter: lines })];
  const [broken] = documents.flatMap(({ errors }) => errors);
  const top = { key: '', value: '', line: 1 };
  if (broken !== undefined)
    return [top, { key: 'YAML', value: invalid(broken.message), line: lines.linePos(broken.pos[0]).line }];
  const deployed = documents.find((each) => isMap(each.getIn(['spec', 'template', 'spec'], true)));
  const pod = deployed?.getIn(['spec', 'template', 'spec'], true) as YAMLMap | undefined;
  const containers = itemsOf(pod, 'containers');
  // Beside it there may be others, such as one of a mesh.
  const container =
    containers.find((each) => each.get('name') === deployed?.getIn(['metadata', 'name'])) ?? containers[0];
  const ports = itemsOf(container, 'ports').map((port) => [port.get('name'), port.get('containerPort')]);
  const named = new Map(ports.map(([name, port]) => [String(name), String(port)]));
  const services = documents.filter((each) => each.get('kind') === 'Service').map((each) => each.get('spec'));
  const targets = services.flatMap((spec) =>
    itemsOf(spec, 'ports').map((port) => port.get('targetPort', true) ?? port.get('port', true)),
  );
  const setting = (each: YAMLMap): Entry => ({
    key: `container.env.${String(each.get('name'))}`,
    // A variable from a Secret has no value here.
    value: String((each.get('value') as string | number | undefined) ?? ''),
    line: lines.linePos(each.range![0]).line,
  });
  const flat = (node: unknown, key: string): Entry[] => {
    if (!isNode(node)) return [];
    const value = isScalar(node) ? String(node.value) : '';
    const entry = {
      key,
      value: /\.(?:p|targetP)ort$/.test(key) ? (named.get(value) ?? value) : value,
      line: lines.linePos(node.range![0]).line,
    };
    if (key === 'container.env' && isSeq(node)) return [entry, ...itemsOf(container, 'env').map(setting)];
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
  return [top, ...flat(pod, 'pod'), ...flat(container, 'container'), ...reached, ...name, ...labels, ...selectors];
}

/** Returns the first sentence of an error, without its position. */
const invalid = (message: string): string => `invalid (${message.replace(/(?: at line \d+, column \d+)?:?\n.*/s, '')})`;

/** Returns the maps in a list. */
function itemsOf(node: unknown, key: string): YAMLMap[] {
  const list = isMap(node) ? node.get(key, true) : undefined;
  return isSeq(list) ? list.items.filter((each) => isMap(each)) : [];
}
