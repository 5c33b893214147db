/** Ajv, configured for Portico; and the equality of JSON values for its keywords. */
import { createRequire } from 'node:module';
import { isIPv4, isIPv6 } from 'node:net';
import type { Ajv, CodeKeywordDefinition, KeywordCxt, _ as Template, ValidateFunction } from 'ajv';
import type ajvFormats from 'ajv-formats';
import type { FormatName } from 'ajv-formats';
import type { FastifyServerOptions } from 'fastify';

/** The draft of a schema. */
export type SchemaDraft = 'draft-07' | '2020-12';

const SHIPPED: FormatName[] = ['date-time', 'uuid', 'uri', 'email', 'ipv4', 'ipv6'];

/** The known formats; any other in a schema is an error. */
export const FORMATS: readonly string[] = [...SHIPPED, 'cidr', 'base64'];

/** Keywords that OpenAPI adds to JSON Schema; they validate nothing (OpenAPI 3.1 §4.8.24). */
const OPENAPI_KEYWORDS: readonly string[] = ['discriminator', 'example', 'externalDocs', 'xml'];

/** Options and plugins of the user, as in Fastify's option `ajv`. */
export type AjvOptions = NonNullable<FastifyServerOptions['ajv']>;

/**
 * Creates an Ajv with the known formats. `coerceTypes`: converts texts to the type in the schema, and applies `default`. `verbose`: adds
 * the schema to errors; `allErrors`: goes on after the first error. Throws if Node may not generate code from strings, which the checks
 * need: that must fail at the start.
 */
export function createAjv(
  draft: SchemaDraft,
  options: { coerceTypes: boolean; verbose: boolean; allErrors?: boolean },
  { customOptions, plugins = [], onCreate }: AjvOptions = {},
): Ajv {
  refuseWithoutCode();
  const { Validator, addFormats, code } = loadAjv(draft);
  const ajv = new Validator({
    ...options,
    // Parts of a request given as text may be missing; a body is validated as sent.
    useDefaults: options.coerceTypes,
    strict: true,
    strictRequired: false,
    strictTypes: false,
    strictTuples: false,
    allowUnionTypes: true,
    validateSchema: false,
    // It would log the code of a check that does not compile; it throws the error too, without the code.
    logger: false,
    // Ajv's optimizer takes half of the compile time, and V8 runs both versions equally fast.
    code: { optimize: false },
    ...customOptions,
  });
  compareAsJson(ajv, code);
  addFormats(ajv, { formats: SHIPPED });
  if (options.allErrors === true) keepBounds(ajv, code);
  ajv.addFormat('cidr', isCidr);
  ajv.addFormat('base64', /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/);
  for (const written of plugins) {
    const [plugin, settings] = Array.isArray(written) ? written : [written, undefined];
    plugin(ajv, settings);
  }
  onCreate?.(ajv);
  ajv.addVocabulary(OPENAPI_KEYWORDS.filter((keyword) => !Object.hasOwn(ajv.RULES.keywords, keyword)));
  return ajv;
}

/** Loads Ajv for the first schema: a router without one starts 60 ms faster. */
function loadAjv(draft: SchemaDraft): {
  Validator: typeof Ajv;
  addFormats: typeof ajvFormats.default;
  code: typeof Template;
} {
  const require = createRequire(import.meta.url);
  const addFormats = require('ajv-formats') as typeof ajvFormats.default;
  if (draft === 'draft-07') {
    const { Ajv, _ } = require('ajv') as typeof import('ajv');
    return { Validator: Ajv, addFormats, code: _ };
  }
  const { Ajv2020, _ } = require('ajv/dist/2020.js') as typeof import('ajv/dist/2020.js');
  return { Validator: Ajv2020, addFormats, code: _ };
}

function refuseWithoutCode(): void {
  try {
    Reflect.construct(Function, ['']);
  } catch (cause) {
    const message = 'schema checks are generated code, which this process does not allow';
    throw new Error(`${message} (--disallow-code-generation-from-strings)`, { cause });
  }
}

function isCidr(text: string): boolean {
  const [address = '', bits = '', ...more] = text.split('/');
  if (more.length > 0 || !/^\d{1,3}$/.test(bits)) return false;
  return (isIPv4(address) && Number(bits) <= 32) || (isIPv6(address) && Number(bits) <= 128);
}

/**
 * Replaces the equality in `const`, `enum` and `uniqueItems` of one Ajv with equality of JSON values. Ajv's own calls `toString` and
 * `valueOf` and reads `constructor`, which a client's object may have as plain values, and its recursion can overflow the stack.
 */
function compareAsJson(ajv: Ajv, code: typeof Template): void {
  const call = ({ gen }: KeywordCxt, compare: unknown): ReturnType<typeof gen.scopeValue> =>
    gen.scopeValue('func', { ref: compare });
  replaceCode(ajv, 'const', isHolder, (cxt) => {
    cxt.fail(code`!${call(cxt, areEqual)}(${cxt.data}, ${cxt.schemaCode})`);
  });
  const listsObjects = (schema: unknown): boolean => Array.isArray(schema) && schema.some(isHolder);
  replaceCode(ajv, 'enum', listsObjects, (cxt) => {
    cxt.fail(code`!${call(cxt, equalsOneOf)}(${cxt.data}, ${cxt.schemaCode})`);
  });
  const comparesAny = (schema: unknown, { items }: Readonly<Record<string, unknown>>): boolean =>
    schema === true && !isOfScalars(items);
  replaceCode(ajv, 'uniqueItems', comparesAny, (cxt) => {
    const pair = cxt.gen.const('pair', code`${call(cxt, equalPair)}(${cxt.data})`);
    cxt.setParams({ j: code`${pair}[0]`, i: code`${pair}[1]` });
    cxt.fail(code`${pair} !== undefined`);
  });
}

/** The time limit for regular expressions while all errors of a value are collected, in milliseconds: many wrong texts can take long. */
const LONGEST_TRIED = 200;

let triedUntil = 0;

/** Runs a check of an Ajv with `allErrors`. After 200 ms it runs no more regular expressions. */
export function checkAll(validate: ValidateFunction, value: unknown): boolean {
  triedUntil = performance.now() + LONGEST_TRIED;
  return validate(value);
}

/** Reports whether an expression may run on a text: it must have at most `maxLength` characters. */
function mayTry(value: unknown, maxLength: number): boolean {
  if (performance.now() > triedUntil) return false;
  if (typeof value !== 'string' || value.length <= maxLength) return true;
  // A character is one UTF-16 unit or two.
  return value.length <= 2 * maxLength && Array.from(value).length <= maxLength;
}

/**
 * Keeps `pattern` and `format` from texts longer than `maxLength`. With all errors collected, `maxLength` does not end the check of a
 * text, and an expression written for short texts may take very long on others.
 */
function keepBounds(ajv: Ajv, code: typeof Template): void {
  for (const keyword of ['pattern', 'format']) {
    const always = (): boolean => true;
    replaceCode(ajv, keyword, always, (cxt, write) => {
      const longest = Number(cxt.parentSchema.maxLength ?? Number.MAX_SAFE_INTEGER);
      cxt.gen.if(code`${cxt.gen.scopeValue('func', { ref: mayTry })}(${cxt.data}, ${longest})`, write);
    });
  }
}

/** Replaces the code of a keyword if its value requires it. The definition is this Ajv's own, and keeps its place in the order. */
function replaceCode(
  ajv: Ajv,
  keyword: string,
  applies: (schema: unknown, parent: Readonly<Record<string, unknown>>) => boolean,
  replace: (cxt: KeywordCxt, write: () => void) => void,
): void {
  const definition = ajv.getKeyword(keyword) as CodeKeywordDefinition;
  const { code } = definition;
  definition.code = (cxt, ruleType) => {
    const write = (): void => code(cxt, ruleType);
    if (applies(cxt.schema, cxt.parentSchema)) replace(cxt, write);
    else write();
  };
}

/** Reports whether Ajv compares the items of a list as keys of an object, without its equality. */
function isOfScalars(items: unknown): boolean {
  const types = isHolder(items) ? [items.type ?? []].flat() : [];
  return types.length > 0 && !types.includes('object') && !types.includes('array');
}

type Members = Readonly<Record<string, unknown>>;

/** Reports whether two JSON values are equal (JSON Schema Core §4.2.2): arrays in order, objects in any order, numbers by value. */
export function areEqual(left: unknown, right: unknown): boolean {
  // No recursion: JSON may be nested deeper than the stack allows.
  const pending: [unknown, unknown][] = [[left, right]];
  for (let pair = pending.pop(); pair !== undefined; pair = pending.pop()) {
    const [a, b] = pair;
    if (a === b) continue;
    if (!isHolder(a) || !isHolder(b) || Array.isArray(a) !== Array.isArray(b)) return false;
    const names = Object.keys(a);
    if (names.length !== Object.keys(b).length || !names.every((name) => Object.hasOwn(b, name))) return false;
    for (const name of names) pending.push([a[name], b[name]]);
  }
  return true;
}

/** Reports whether a value equals one in the list. */
function equalsOneOf(value: unknown, list: readonly unknown[]): boolean {
  return list.some((one) => areEqual(value, one));
}

/** Returns the indexes of two equal values; undefined if all differ. Takes time proportional to the length of the list, not its square. */
export function equalPair(list: readonly unknown[]): readonly [number, number] | undefined {
  const indexesOf = new Map<string, number[]>();
  for (const [index, value] of list.entries()) {
    const text = sortedText(value);
    const indexes = indexesOf.get(text) ?? [];
    const twin = indexes.find((earlier) => areEqual(list[earlier], value));
    if (twin !== undefined) return [twin, index];
    indexes.push(index);
    indexesOf.set(text, indexes);
  }
  return undefined;
}

/** Returns a text that is the same for equal values, and rarely for different ones. */
function sortedText(value: unknown): string {
  try {
    return JSON.stringify(value, (_, inner: unknown) =>
      isHolder(inner) && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
        : inner,
    );
  } catch {
    // Nested too deeply to stringify; a body contains few such values.
    return '';
  }
}

function isHolder(value: unknown): value is Members {
  return typeof value === 'object' && value !== null;
}
