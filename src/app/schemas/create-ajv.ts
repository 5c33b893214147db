/** Ajv, configured for Portico; and the equality of JSON values for its keywords. */
import { createRequire } from 'node:module';
import { isIPv4, isIPv6 } from 'node:net';
import type { Ajv, Code, CodeKeywordDefinition, KeywordCxt, Name, _ as Template, ValidateFunction } from 'ajv';
import type ajvFormats from 'ajv-formats';
import type { FormatName } from 'ajv-formats';
import type { FastifyServerOptions } from 'fastify';
import { depthError } from './refused-value.js';

/** The draft of a schema. */
export type SchemaDraft = 'draft-07' | '2020-12';

/** Formats of JSON Schema (draft 2020-12 §7.3), except those of international names, which ajv-formats lacks. */
const SHIPPED: FormatName[] = [
  'date-time',
  'date',
  'time',
  'duration',
  'uuid',
  'uri',
  'uri-reference',
  'uri-template',
  'email',
  'hostname',
  'ipv4',
  'ipv6',
  'regex',
  'json-pointer',
  'relative-json-pointer',
];

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
    ...customOptions,
    // Ajv's optimizer takes half of the compile time, and V8 runs both versions equally fast.
    code: { optimize: false, process: readNumbersAsJson, ...customOptions?.code },
  });
  compareAsJson(ajv, code);
  countRarely(ajv, code);
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

/**
 * Lets the code that converts texts to numbers take only those that JSON has (RFC 8259 §6) and a number can hold. JavaScript's own
 * conversion, which Ajv uses, also takes blanks as 0, hexadecimal digits, and `1e999` as Infinity.
 */
function readNumbersAsJson(code: string): string {
  return code.replace(/("string" && (\w+)) && \2 == \+\2\b/g, `$1 && ${JSON_NUMBER}.test($2) && isFinite($2)`);
}

const JSON_NUMBER = String.raw`/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/`;

/** Loads Ajv for the first schema: a router without one starts 60 ms faster. */
function loadAjv(draft: SchemaDraft): {
  Validator: typeof Ajv;
  addFormats: typeof ajvFormats.default;
  code: typeof Template;
} {
  const require = createRequire(import.meta.url);
  const addFormats = require('ajv-formats') as typeof ajvFormats.default;
  const { Ajv, _: code } = require('ajv') as typeof import('ajv');
  const { Ajv2020 } = draft === '2020-12' ? (require('ajv/dist/2020.js') as typeof import('ajv/dist/2020.js')) : {};
  return { Validator: Ajv2020 ?? Ajv, addFormats, code };
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
  for (const keyword of ['const', 'enum']) {
    replaceCode(ajv, keyword, (cxt, write, call) => {
      const list: unknown = keyword === 'const' ? [cxt.schema] : cxt.schema;
      if (!Array.isArray(list) || !list.some(isHolder)) write();
      else cxt.fail(code`!${call(equalsOneOf)}(${cxt.data}, ${cxt.gen.scopeValue('obj', { ref: list })}, rootData)`);
    });
  }
  replaceCode(ajv, 'uniqueItems', (cxt, write, call) => {
    if (cxt.schema !== true) return write();
    const pair = cxt.gen.const('pair', code`${call(equalPair)}(${cxt.data}, rootData)`);
    cxt.setParams({ j: code`${pair}[0]`, i: code`${pair}[1]` });
    cxt.fail(code`${pair} !== undefined`);
  });
}

/**
 * Lets `maxLength` and `minLength` count the characters of a text only if its length in UTF-16 units does not decide: a character is one unit
 * or two. Ajv counts every text, once for each keyword.
 */
function countRarely(ajv: Ajv, code: typeof Template): void {
  const replaced = (keyword: string, isWrong: (length: Code, limit: Code, count: Code) => Code): void => {
    replaceCode(ajv, keyword, (cxt, write, call) => {
      const { data, schemaCode: limit, it } = cxt;
      if (it.opts.unicode === false) write();
      else cxt.fail$data(isWrong(code`${data}.length`, code`${limit}`, code`${call(charactersIn)}(${data})`));
    });
  };
  replaced('maxLength', (length, limit, count) => code`${length} > ${limit} && ${count} > ${limit}`);
  replaced('minLength', (length, limit, count) => code`${length} < 2 * ${limit} && ${count} < ${limit}`);
}

/** Returns the number of characters of a text. Half a surrogate pair is one. */
function charactersIn(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** The time limit for regular expressions while all errors of a value are collected, in milliseconds: many wrong texts can take long. */
const LONGEST_TRIED = 200;

let triedUntil = 0;

/** Runs a check of an Ajv with `allErrors`. After 200 ms it runs no more regular expressions. True also for a value nested too deeply. */
export function checkAll(validate: ValidateFunction, value: unknown): boolean {
  triedUntil = performance.now() + LONGEST_TRIED;
  try {
    return validate(value);
  } catch (error) {
    depthError(error);
    return true;
  }
}

/** Reports whether an expression may run on a text: it must have at most `maxLength` characters. */
function mayTry(value: unknown, maxLength: number): boolean {
  if (performance.now() > triedUntil) return false;
  if (typeof value !== 'string' || value.length <= maxLength) return true;
  return value.length <= 2 * maxLength && charactersIn(value) <= maxLength;
}

/**
 * Keeps `pattern` and `format` from texts longer than `maxLength`. With all errors collected, `maxLength` does not end the check of a
 * text, and an expression written for short texts may take very long on others.
 */
function keepBounds(ajv: Ajv, code: typeof Template): void {
  for (const keyword of ['pattern', 'format']) {
    replaceCode(ajv, keyword, (cxt, write, call) => {
      const longest = Number(cxt.parentSchema.maxLength ?? Number.MAX_SAFE_INTEGER);
      cxt.gen.if(code`${call(mayTry)}(${cxt.data}, ${longest})`, write);
    });
  }
}

/**
 * Replaces the code of a keyword. `write` writes the old code; `call` returns the name of a function in the new one. The definition is this
 * Ajv's own, and keeps its order.
 */
function replaceCode(
  ajv: Ajv,
  keyword: string,
  replace: (cxt: KeywordCxt, write: () => void, call: (ref: unknown) => Name) => void,
): void {
  const definition = ajv.getKeyword(keyword) as CodeKeywordDefinition;
  const { code } = definition;
  definition.code = (cxt, ruleType) =>
    replace(
      cxt,
      () => code(cxt, ruleType),
      (ref) => cxt.gen.scopeValue('func', { ref }),
    );
}

type Members = Readonly<Record<string, unknown>>;

/** Reports whether a value equals one in the list. */
function equalsOneOf(value: unknown, list: readonly unknown[], root: unknown): boolean {
  return list.some((one) => equalPair([value, one], root) !== undefined);
}

/**
 * Returns the indexes of two equal JSON values (JSON Schema Core §4.2.2): arrays in order, objects in any order, numbers by value;
 * undefined if all differ. Takes time proportional to the size of the list, not its square; within one `root` also for lists in lists.
 */
export function equalPair(list: readonly unknown[], root?: unknown): readonly [number, number] | undefined {
  const whole = Object(root) as object;
  const names = namesWithin.get(whole) ?? new Names();
  namesWithin.set(whole, names);
  names.add(list);
  const indexes = new Map<string, number>();
  for (const [index, value] of list.entries()) {
    const name = names.of(value);
    const twin = indexes.get(name);
    if (twin !== undefined) return [twin, index];
    indexes.set(name, index);
  }
  return undefined;
}

const namesWithin = new WeakMap<object, Names>();

/**
 * Names of JSON values: equal values have the same name, others another. No name is a decimal number, whose hash a client can foresee (V8
 * hashes such texts without a seed) to make thousands of them share one.
 */
class Names {
  readonly #holders = new Map<object, string>();
  readonly #known = new Map<string, string>();

  /** Returns the name of a scalar, or of an added value. */
  of(value: unknown): string {
    return isHolder(value) ? this.#holders.get(value)! : `${typeof value} ${String(value as string)}`;
  }

  /** Names the objects and lists in a list, at any depth. */
  add(list: readonly unknown[]): void {
    const isNew = (value: unknown): value is Members => isHolder(value) && !this.#holders.has(value);
    const holders = list.filter(isNew);
    // The loop also visits what it adds. No recursion: JSON may be nested deeper than the stack allows.
    for (const holder of holders) for (const inner of Object.values(holder)) if (isNew(inner)) holders.push(inner);
    // Backwards, because the values inside another one come after it.
    for (const holder of holders.toReversed()) {
      const names = Object.keys(holder).sort();
      const text = JSON.stringify([Array.isArray(holder), names, names.map((name) => this.of(holder[name]))]);
      const name = this.#known.get(text) ?? `holder ${this.#known.size}`;
      this.#known.set(text, name);
      this.#holders.set(holder, name);
    }
  }
}

function isHolder(value: unknown): value is Members {
  return typeof value === 'object' && value !== null;
}
