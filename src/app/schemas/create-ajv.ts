/**
 * Ajv as Portico uses it.
 */
import { createRequire } from 'node:module';
import { isIPv4, isIPv6 } from 'node:net';
import type { Ajv, CodeKeywordDefinition, KeywordCxt, _ as Template, ValidateFunction } from 'ajv';
import type ajvFormats from 'ajv-formats';
import type { FormatName } from 'ajv-formats';
import type { FastifyServerOptions } from 'fastify';

/** Draft that schemas are written in. */
export type SchemaDraft = 'draft-07' | '2020-12';

const SHIPPED: FormatName[] = ['date-time', 'uuid', 'uri', 'email', 'ipv4', 'ipv6'];

/** The formats there are; any other in a schema is a mistake. */
export const FORMATS: readonly string[] = [...SHIPPED, 'cidr', 'base64'];

/** Keywords that OpenAPI adds to JSON Schema; they check nothing (OpenAPI 3.1 §4.8.24). */
const OPENAPI_KEYWORDS: readonly string[] = ['discriminator', 'example', 'externalDocs', 'xml'];

/** Options and plugins of the user's, as Fastify's option `ajv` has them. */
export type AjvOptions = NonNullable<FastifyServerOptions['ajv']>;

/**
 * An Ajv that knows the formats there are. `coerceTypes`: texts become what the schema says, and `default` is applied. `verbose`: its errors have their schema; `allErrors`: it goes on behind the first.
 * Throws where Node may not make code of
 * texts: a check is generated, and that is to be told at the start.
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
    // Texts of a request may be left out of it; a body is taken as it was sent.
    useDefaults: options.coerceTypes,
    strict: true,
    strictRequired: false,
    strictTypes: false,
    strictTuples: false,
    allowUnionTypes: true,
    validateSchema: false,
    // It would log the code of a check that does not compile; it throws the error as well, without the code.
    logger: false,
    // Ajv's pass over the code it wrote is half of what compiling costs, and V8 makes the same of both.
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

/** Ajv is loaded with the first schema: a router without one starts 60 ms sooner. */
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
 * Gives `const`, `enum` and `uniqueItems` of one Ajv the equality of JSON. Ajv's own calls `toString` and `valueOf` and
 * looks at `constructor`, which in a client's object are values like others, and it goes as deep as the stack.
 */
function compareAsJson(ajv: Ajv, code: typeof Template): void {
  const call = ({ gen }: KeywordCxt, compare: unknown): ReturnType<typeof gen.scopeValue> =>
    gen.scopeValue('func', { ref: compare });
  replaceCode(ajv, 'const', holdsMembers, (cxt) => {
    cxt.fail(code`!${call(cxt, areEqual)}(${cxt.data}, ${cxt.schemaCode})`);
  });
  const listsObjects = (schema: unknown): boolean => Array.isArray(schema) && schema.some(holdsMembers);
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

/** How long expressions are tried while all mistakes of a value are looked for, in milliseconds: many wrong texts may take long. */
const LONGEST_TRIED = 200;

let triedUntil = 0;

/** Has a check of an Ajv with `allErrors` look for all mistakes. Past 200 ms it tries no more expressions. */
export function checkAll(validate: ValidateFunction, value: unknown): boolean {
  triedUntil = performance.now() + LONGEST_TRIED;
  return validate(value);
}

/** Whether an expression may be tried with a text of at most so many characters. */
function mayTry(value: unknown, maxLength: number): boolean {
  if (performance.now() > triedUntil) return false;
  if (typeof value !== 'string' || value.length <= maxLength) return true;
  // A character is one unit or two.
  return value.length <= 2 * maxLength && Array.from(value).length <= maxLength;
}

/**
 * With all errors collected, `maxLength` does not end the check of a text; `pattern` and `format` still get none that is longer:
 * an expression may be written for a bounded text, and take for ever with another.
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

/** Other code for a keyword where its value asks for it. The definition is this Ajv's own, and keeps its turn. */
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

/** Items that Ajv compares as members of an object, without its equality. */
function isOfScalars(items: unknown): boolean {
  const types = holdsMembers(items) ? [(items as { type?: unknown }).type ?? []].flat() : [];
  return types.length > 0 && !types.includes('object') && !types.includes('array');
}

function holdsMembers(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

/**
 * Equality of JSON values, whatever names a client gives to its members and however deep they are.
 */

type Members = Readonly<Record<string, unknown>>;

/** Equal as JSON Schema has it (Core §4.2.2): lists in their order, objects in any, numbers by their value. */
export function areEqual(left: unknown, right: unknown): boolean {
  // No recursion: as deep as JSON may be read, the stack is not.
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

/** Whether a value equals one of the list. */
function equalsOneOf(value: unknown, list: readonly unknown[]): boolean {
  return list.some((one) => areEqual(value, one));
}

/** The indexes of two equal values; undefined where all differ. Takes time by the length of the list, not its square. */
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

/** The same for equal values, and hardly ever for others. */
function sortedText(value: unknown): string {
  try {
    return JSON.stringify(value, (_, inner: unknown) =>
      isHolder(inner) && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
        : inner,
    );
  } catch {
    // Too deep to be written; a body holds few such.
    return '';
  }
}

function isHolder(value: unknown): value is Members {
  return typeof value === 'object' && value !== null;
}
