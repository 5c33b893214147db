/** Differences between two operations of OpenAPI: parameters, bodies, responses and security. */
import { isDeepStrictEqual } from 'node:util';
import { compareSchemas, type SchemaFinding } from './compare-schemas.js';
import { without } from './difference.js';
import type { Operation, Parameter, ResponseState } from './state.js';
import { namedValue } from './value-path.js';

/** Returns what a client of the old operation may notice. */
export function compareOperations(before: Operation, after: Operation): SchemaFinding[] {
  if (isDeepStrictEqual(before, after)) return [];
  return [
    ...facts(before, after),
    ...security(before, after),
    ...parameters(before.parameters ?? [], after.parameters ?? []),
    ...bodies(before.requestBody, after.requestBody),
    ...responses(before.responses ?? {}, after.responses ?? {}),
  ];
}

function facts(before: Operation, after: Operation): SchemaFinding[] {
  const found: SchemaFinding[] = [];
  // One that the document of its API leaves out has none.
  if (![before.operationId, after.operationId].includes(undefined) && before.operationId !== after.operationId) {
    const text = `operation ${before.operationId} -> ${after.operationId}`;
    found.push({ rule: 'operation-id-changed', change: 'changed', text });
  }
  const [was, is] = [before.deprecated === true, after.deprecated === true];
  if (is && !was) found.push({ rule: 'deprecated', change: 'changed', text: 'is deprecated' });
  if (was && !is) found.push({ rule: 'deprecated-no-more', change: 'changed', text: 'is no longer deprecated' });
  return found;
}

type Security = NonNullable<Operation['security']>;

function security(before: Operation, after: Operation): SchemaFinding[] {
  const [old, now] = [before.security ?? [], after.security ?? []];
  const isOpen = (all: Security): boolean => all.length === 0 || all.some((one) => Object.keys(one).length === 0);
  const names = (some: Security): string => some.map((one) => Object.keys(one).join(' and ') || 'nothing').join(' or ');
  const change = 'changed';
  if (isOpen(old) && !isOpen(now)) return [{ rule: 'security-added', change, text: `requires ${names(now)} now` }];
  if (!isOpen(old) && isOpen(now))
    return [{ rule: 'security-removed', change, text: `no longer requires ${names(old)}` }];
  const isAny = (one: Security[number]): boolean => Object.keys(one).length > 0;
  const [lost, won] = [without(old, now).filter(isAny), without(now, old).filter(isAny)];
  return [
    ...(lost.length === 0
      ? []
      : [{ rule: 'security-alternative-removed', change, text: `no longer accepts ${names(lost)}` } as const]),
    ...(won.length === 0
      ? []
      : [{ rule: 'security-alternative-added', change, text: `accepts ${names(won)}` } as const]),
  ];
}

function parameters(before: readonly Parameter[], after: readonly Parameter[]): SchemaFinding[] {
  const [old, now] = [byPlace(before), byPlace(after)];
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((key): SchemaFinding[] => {
    const [was, is] = [old.get(key), now.get(key)];
    const { name, in: place } = (was ?? is)!;
    const at = namedValue(place, place === 'path' ? (is ?? was)!.name : name);
    const about = (
      rule: SchemaFinding['rule'],
      said: string,
      change: SchemaFinding['change'] = 'changed',
    ): SchemaFinding => ({ rule, change, text: `${at.name} is ${said}`, value: at.path });
    if (was === undefined) {
      return is!.required === true
        ? [about('parameter-required-added', 'new and required', 'added')]
        : [about('parameter-added', 'new', 'added')];
    }
    if (is === undefined) return [about('parameter-removed', 'no longer known', 'removed')];
    const [needed, needs] = [was.required === true, is.required === true];
    const found = compareSchemas(was.schema, is.schema, 'request', at);
    if (needed === needs) return found;
    const changed = needs
      ? about('parameter-became-required', 'required now')
      : about('parameter-became-optional', 'optional now');
    return [changed, ...found];
  });
}

/** Parameters of a path by their order, whatever their names; those of headers without regard to case. */
function byPlace(parameters: readonly Parameter[]): ReadonlyMap<string, Parameter> {
  const inPath = parameters.filter((each) => each.in === 'path');
  return new Map(
    parameters.map((each) => {
      if (each.in === 'path') return [`path ${inPath.indexOf(each)}`, each];
      return [`${each.in} ${each.in === 'header' ? each.name.toLowerCase() : each.name}`, each];
    }),
  );
}

type Body = Operation['requestBody'];

function bodies(before: Body, after: Body): SchemaFinding[] {
  if (before === undefined && after === undefined) return [];
  if (before === undefined) {
    return after!.required === true
      ? [{ rule: 'body-required-added', change: 'added', text: 'a body is required now' }]
      : [{ rule: 'body-added', change: 'added', text: 'a body is accepted now' }];
  }
  if (after === undefined) return [{ rule: 'body-removed', change: 'removed', text: 'a body is no longer known' }];
  const found: SchemaFinding[] = [];
  const [needed, needs] = [before.required === true, after.required === true];
  if (needs && !needed)
    found.push({ rule: 'body-became-required', change: 'changed', text: 'the body is required now' });
  if (needed && !needs)
    found.push({ rule: 'body-became-optional', change: 'changed', text: 'the body is optional now' });
  const [old, now] = [before.content ?? {}, after.content ?? {}];
  for (const type of Object.keys(old)) {
    if (type in now) found.push(...compareSchemas(old[type]?.schema, now[type]?.schema, 'request', namedValue('body')));
    else found.push({ rule: 'body-type-removed', change: 'removed', text: `a body of ${type} is no longer accepted` });
  }
  for (const type of Object.keys(now).filter((each) => !(each in old)))
    found.push({ rule: 'body-type-added', change: 'added', text: `a body of ${type} is accepted` });
  return found;
}

type Responses = NonNullable<Operation['responses']>;

function responses(before: Responses, after: Responses): SchemaFinding[] {
  const codes = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((code) => code !== 'default');
  return codes.flatMap((code): SchemaFinding[] => {
    const [was, is] = [before[code], after[code]];
    const isFault = /^[45]/.test(code);
    if (was === undefined) return [{ rule: 'response-status-added', change: 'added', text: `status ${code} is new` }];
    if (is !== undefined) return responseOf(was, is, code);
    const rule = isFault ? 'fault-status-removed' : 'response-status-removed';
    return [{ rule, change: 'removed', text: `status ${code} no longer occurs` }];
  });
}

function responseOf(before: ResponseState, after: ResponseState, code: string): SchemaFinding[] {
  const found: SchemaFinding[] = [];
  const [old, now] = [before.content ?? {}, after.content ?? {}];
  const at = code.startsWith('2') ? 'response' : `response ${code}`;
  for (const type of Object.keys(old)) {
    if (type in now) found.push(...compareSchemas(old[type]?.schema, now[type]?.schema, 'response', namedValue(at)));
    else found.push({ rule: 'response-type-removed', change: 'removed', text: `${at} is no longer ${type}` });
  }
  for (const type of Object.keys(now).filter((each) => !(each in old)))
    found.push({ rule: 'response-type-added', change: 'added', text: `${at} may be ${type}` });
  const [had, has] = [before.headers ?? {}, after.headers ?? {}];
  for (const name of Object.keys(had)) {
    if (name in has)
      found.push(...compareSchemas(had[name]?.schema, has[name]?.schema, 'response', namedValue(`header ${name}`)));
    else
      found.push({
        rule: 'response-header-removed',
        change: 'removed',
        text: `${at}: the header ${name} no longer occurs`,
      });
  }
  for (const name of Object.keys(has).filter((each) => !(each in had)))
    found.push({ rule: 'response-header-added', change: 'added', text: `${at}: the header ${name} is new` });
  return found;
}
