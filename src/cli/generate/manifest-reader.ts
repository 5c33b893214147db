/**
 * Reads manifests of Kubernetes, as far as a comparison needs them.
 */
import { isMap, isNode, isScalar, isSeq, LineCounter, parseAllDocuments, type YAMLMap } from 'yaml';
import type { Entry } from './compare.js';

/** Reads the first pod template, its container, and the ports of Services; a name of a port of the container is its number. */
export function read(text: string): Entry[] {
  const lines = new LineCounter();
  const documents = [...parseAllDocuments(text, { lineCounter: lines })];
  const [broken] = documents.flatMap(({ errors }) => errors);
  const top = { key: '', value: '', line: 1 };
  if (broken !== undefined) return [top, { key: 'YAML', value: broken.code, line: lines.linePos(broken.pos[0]).line }];
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
    if (isSeq(node)) return [entry, ...node.items.flatMap((each) => flat(each, key))];
    return isMap(node)
      ? [entry, ...node.items.flatMap((each) => flat(each.value, `${key}.${String(each.key)}`))]
      : [entry];
  };
  const reached = container === undefined ? [] : targets.flatMap((target) => flat(target, 'Service.targetPort'));
  return [top, ...flat(pod, 'pod'), ...flat(container, 'container'), ...reached];
}

/** Returns the maps in a list. */
function itemsOf(node: unknown, key: string): YAMLMap[] {
  const list = isMap(node) ? node.get(key, true) : undefined;
  return isSeq(list) ? list.items.filter((each) => isMap(each)) : [];
}
