/**
 * Queries and forms (URL standard §5.1): percent-encoded names and values, a repeated name as a list; and the names that a schema makes
 * lists: wherever it says array, in any of its branches.
 */
import { createRequire } from 'node:module';
import { Fault } from '../../app/index.js';
import { ignoreErrors, isObject } from '../../errors/index.js';
import { type JsonSchema, jsonSchemaOf, type Schema } from './schema.js';

// Not by an import, which costs a start more: see `fault-style.ts`.
const { parse } = createRequire(import.meta.url)('fast-querystring') as typeof import('fast-querystring');

/** Form of a name: a list, one value, or undefined if the schema does not tell. */
type Form = 'list' | 'one' | undefined;
export type FormOf = (name: string) => Form;

/** The names that one object schema describes. */
interface Named {
  readonly names: ReadonlyMap<string, Form>;
  readonly patterns: readonly (readonly [pattern: RegExp, form: Form])[];
  /** All other names. */
  readonly rest: Form;
}

/**
 * Returns the forms of names in the schema of a whole query: below `properties`, `patternProperties` and `additionalProperties`, also
 * in `allOf`, `anyOf`, `oneOf`, `if`, `then`, `else`, `dependentSchemas` and by `$ref`. A list in one of them is a list.
 */
export function formsOf(schema: Schema): FormOf {
  const root = ignoreErrors(() => jsonSchemaOf(schema, 'input', 'draft-07'));
  const branches = branchesOf(root, root).map((branch) => namedBy(branch, root));
  return (name) => joint(branches.flatMap((branch) => formsIn(branch, name)));
}

function joint(forms: readonly Form[]): Form {
  return forms.includes('list') ? 'list' : forms.find((form) => form !== undefined);
}

function formsIn({ names, patterns, rest }: Named, name: string): readonly Form[] {
  const matching = patterns.filter(([pattern]) => pattern.test(name)).map(([, form]) => form);
  return names.has(name) ? [names.get(name), ...matching] : matching.length > 0 ? matching : [rest];
}

/** Gives each name its last value, or a list, as the schema says; a name of which it says nothing stays as it is. Changes the object. */
export function inForm(fields: Record<string, unknown>, formOf: FormOf): Record<string, unknown> {
  for (const name of Object.keys(fields)) {
    const received = fields[name];
    const form = formOf(name);
    if (form === 'list' && !Array.isArray(received)) fields[name] = [received];
    if (form === 'one' && Array.isArray(received)) fields[name] = received.at(-1);
  }
  return fields;
}

/**
 * Returns a schema of a query with the names of all its branches at the top, for documents, whose parameters have one name each. Required
 * names are those that apply to every query.
 */
export function flatQuery(schema: JsonSchema): JsonSchema {
  if (!isObject(schema)) return schema;
  const branches = branchesOf(schema, schema);
  if (branches.length === 1) return schema;
  const joined = (key: string): object => Object.assign({}, ...branches.map((branch) => Object(branch[key]) as object));
  const required = branchesOf(schema, schema, true).flatMap(({ required: names }) => (names ?? []) as string[]);
  const rest = branches.find((branch) => isObject(branch.additionalProperties))?.additionalProperties;
  const { $ref: _, allOf: __, anyOf: ___, oneOf: ____, ...own } = schema;
  return {
    ...own,
    properties: joined('properties'),
    patternProperties: joined('patternProperties'),
    required: [...new Set(required)],
    ...(rest !== undefined && { additionalProperties: rest }),
  };
}

const LISTS = ['allOf', 'anyOf', 'oneOf'];
const SINGLE = ['if', 'then', 'else'];

/** Returns all schemas that apply to the same value as a schema, which is the first of them; `isSure`: those that always do. */
function branchesOf(schema: unknown, root: unknown, isSure = false): readonly Readonly<Record<string, unknown>>[] {
  const found = new Set<Readonly<Record<string, unknown>>>();
  const pending: unknown[] = [schema];
  // The loop also visits what it adds.
  for (const next of pending) {
    if (!isObject(next) || found.has(next)) continue;
    found.add(next);
    for (const key of isSure ? ['allOf'] : LISTS) pending.push(...((next[key] ?? []) as unknown[]));
    for (const key of isSure ? [] : SINGLE) pending.push(next[key] ?? true);
    for (const key of isSure ? [] : ['dependentSchemas', 'dependencies'])
      pending.push(...Object.values(Object(next[key]) as object));
    if (typeof next.$ref === 'string') pending.push(referred(next.$ref, root));
  }
  return [...found];
}

/** Returns the schema that a reference within `root` leads to; undefined for any other. */
function referred(reference: string, root: unknown): unknown {
  const [id = '', pointer = ''] = reference.split('#');
  const base = id === '' ? root : withId(id, root);
  const steps = pointer === '' ? [] : pointer.split('/').slice(1);
  const names = steps.map((step) =>
    (ignoreErrors(() => decodeURIComponent(step)) ?? step).replaceAll('~1', '/').replaceAll('~0', '~'),
  );
  return names.reduce<unknown>(
    (inner, name) => (isObject(inner) || Array.isArray(inner) ? Object(inner)[name] : undefined),
    base,
  );
}

function withId(id: string, root: unknown): unknown {
  const seen = new Set<unknown>();
  const pending: unknown[] = [root];
  for (const next of pending) {
    if (typeof next !== 'object' || next === null || seen.has(next)) continue;
    seen.add(next);
    if ((next as { readonly $id?: unknown }).$id === id) return next;
    pending.push(...Object.values(next));
  }
  return undefined;
}

function namedBy(branch: Readonly<Record<string, unknown>>, root: unknown): Named {
  const formOf = (schema: unknown): Form =>
    joint(
      branchesOf(schema, root).map(({ type, enum: values, const: only }) => {
        if ([type].flat().includes('array')) return 'list';
        return (type ?? values ?? only) === undefined ? undefined : 'one';
      }),
    );
  const { properties, patternProperties, additionalProperties } = branch;
  return {
    names: new Map(
      Object.entries(Object(properties) as Record<string, JsonSchema>).map(([name, one]) => [name, formOf(one)]),
    ),
    patterns: Object.entries(Object(patternProperties) as object).map(
      ([pattern, one]) => [new RegExp(pattern, 'u'), formOf(one)] as const,
    ),
    rest: formOf(additionalProperties),
  };
}

/** Returns the fields of a text. Throws a `Fault` 400 for an escape that is malformed, or whose bytes are not UTF-8. */
export function readFields(text: string, where: 'query' | 'body'): Record<string, string | string[]> {
  if (text.includes('%')) refuseBadEscapes(text, where);
  return parse(text);
}

/** Throws a `Fault` 400 for an escape that is malformed, or whose bytes are not UTF-8. */
export function refuseBadEscapes(text: string, where: 'query' | 'body'): void {
  try {
    decodeURIComponent(text);
  } catch (cause) {
    throw new Fault(400, { message: `The ${where} has a percent sign that is no escape of UTF-8 text.`, cause });
  }
}
