/** Option types that hold several values: lists, repeated keys, dictionaries. */
import { isObject, withCode } from '../../errors/index.js';
import { InvalidValue, makeOption, type Option, type OptionSpec } from './option.js';
import { string } from './text-types.js';

export interface ListSpec<T> {
  /** Type of each item: `list({ item: port() })`. Default: text. */
  readonly item?: Option<T>;
  /** The value is enclosed in `[` and `]`. Default false. */
  readonly bounds?: boolean;
  readonly minLength?: number;
  /** Refuse duplicate items. Default false. */
  readonly unique?: boolean;
}

/**
 * Items separated by commas; blanks around them are trimmed and empty ones dropped. An item with a comma is quoted; a backslash escapes a
 * comma, a quote or another backslash. Any other backslash stays, because items may be expressions: `regex:https://[a-z]+\.example`. An
 * empty value is the empty list.
 */
export function list(
  spec?: ListSpec<string> & Filled<readonly string[]> & { readonly item?: undefined },
): Option<readonly string[]>;
export function list<T>(spec: ListSpec<T> & Filled<readonly NonNullable<T>[]>): Option<readonly NonNullable<T>[]>;
export function list(spec: ListSpec<unknown> & Filled<readonly unknown[]> = {}): Option<readonly unknown[]> {
  const item = spec.item ?? string({ default: '' });
  return makeOption<readonly unknown[]>('list', 'item bounds minLength unique', spec, {
    kind: 'object',
    empty: 'value',
    fallback: [],
    format: (items) => {
      if (!Array.isArray(items)) throw new InvalidValue('should be an array, or text such as a,b');
      return within(spec.bounds && '[]', items.map((each) => quoteItem(item.format(each))).join(','));
    },
    parse: (text) => {
      const items = splitItems(inside(spec.bounds && '[]', text)).map((each, at) =>
        parseItem(item, each, `item ${at + 1}`),
      );
      checkLength(spec.minLength, items.length);
      const once = new Set(items);
      if (spec.unique === true && once.size < items.length)
        throw new InvalidValue('should not contain an item twice', undefined, [...once]);
      return items;
    },
  });
}

/** A key that may be repeated; its values are collected in the order of the files. A single empty value is dropped. */
export function multi(spec?: Filled<readonly string[]> & { readonly item?: undefined }): Option<readonly string[]>;
export function multi<T>(
  spec: { readonly item: Option<T> } & Filled<readonly NonNullable<T>[]>,
): Option<readonly NonNullable<T>[]>;
export function multi(
  spec: { readonly item?: Option<unknown> | undefined } & Filled<readonly unknown[]> = {},
): Option<readonly unknown[]> {
  const item = spec.item ?? string({ default: '' });
  const parseAll = (texts: readonly unknown[]) =>
    (texts.length === 1 && texts[0] === '' ? [] : texts).map((each, at) => parseItem(item, each, `item ${at + 1}`));
  return makeOption<readonly unknown[]>('multi', 'item', spec, {
    kind: 'object',
    empty: 'value',
    fallback: [],
    format: (items) => {
      if (!Array.isArray(items)) throw new InvalidValue('should be an array, or text');
      return items.map((each) => item.format(each)).join('\n');
    },
    parse: (text) => parseAll([text]),
    parseAll,
  });
}

export interface DictSpec<T> {
  /** Type of each value. Default: text. */
  readonly value?: Option<T>;
  /** Separator of key and value. Default `:`. */
  readonly separator?: string;
  /** The value is enclosed in `{` and `}`. Default false. */
  readonly bounds?: boolean;
  readonly minLength?: number;
}

/**
 * Pairs separated by commas, `key:value,key:value`. A duplicate key is refused; an empty value is the empty dictionary. Value and default
 * are a Map, because keys may be `__proto__` or `17`; a default may also be text. With `bounds` the text must be in braces, `{key:value}`.
 */
export function dict(
  spec?: DictSpec<string> & Filled<ReadonlyMap<string, string>> & { readonly value?: undefined },
): Option<ReadonlyMap<string, string>>;
export function dict<T>(
  spec: DictSpec<T> & Filled<ReadonlyMap<string, NonNullable<T>>>,
): Option<ReadonlyMap<string, NonNullable<T>>>;
export function dict(
  spec: DictSpec<unknown> & Filled<ReadonlyMap<string, unknown>> = {},
): Option<ReadonlyMap<string, unknown>> {
  const item = spec.value ?? string({ default: '' });
  const separator = spec.separator ?? ':';
  return makeOption<ReadonlyMap<string, unknown>>('dict', 'value separator bounds minLength', spec, {
    kind: 'object',
    empty: 'value',
    fallback: immutable(new Map()),
    format: (pairs) => {
      if (!(pairs instanceof Map)) throw new InvalidValue(asMap(pairs, separator));
      const written = [...pairs].map(([key, each]) => quoteItem(pairText(String(key), separator, item.format(each))));
      return within(spec.bounds && '{}', written.join(','));
    },
    parse: (text) => {
      const pairs = new Map<string, unknown>();
      for (const each of splitItems(inside(spec.bounds && '{}', text))) {
        const at = each.indexOf(separator);
        if (at < 0) throw new InvalidValue(`should be pairs such as key${separator}value`);
        const key = each.slice(0, at).trim();
        if (key === '') throw new InvalidValue(`should have a key before each ${separator}`);
        if (pairs.has(key)) throw new InvalidValue(`should not contain a key twice (${key})`);
        pairs.set(key, parseItem(item, each.slice(at + separator.length).trim(), `the value of ${key}`));
      }
      checkLength(spec.minLength, pairs.size);
      return immutable(pairs);
    },
  });
}

/** Returns a pair as text. Refuses one that would be read back as another pair. */
function pairText(key: string, separator: string, value: string): string {
  if (`${key}${separator}`.indexOf(separator) < key.length) {
    throw new InvalidValue(
      `should have no ${separator} in a key (${key}), because it ends the key: declare another separator`,
    );
  }
  if (key !== key.trim() || value !== value.trim()) {
    throw new InvalidValue(`should have no blanks around a key or its value (${key.trim()}), because they are removed`);
  }
  return `${key}${separator}${value}`;
}

/** Returns the text form of a value that is not a Map. */
function asMap(value: unknown, separator: string): string {
  const written = JSON.stringify(isObject(value) ? Object.entries(value) : [['key', 'value']]);
  return `should be a Map, as new Map(${written}), or text such as key${separator}value`;
}

type Filled<T> = OptionSpec & { readonly default?: T | string | (() => T) };

/** Splits at commas outside quotes; removes quotes, and backslashes that escape something. */
function splitItems(text: string): string[] {
  const items: string[] = [];
  // One item: quoted text, or anything up to a comma; a backslash escapes the next character.
  const pattern = /\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(?!\s*["'])((?:[^,\\]|\\.?)*))\s*(?:,|$)/gsy;
  while (pattern.lastIndex < text.length) {
    const at = pattern.lastIndex;
    const found = pattern.exec(text);
    if (found === null)
      throw new InvalidValue(`should have a closing quote and a comma after the quoted item at character ${at + 1}`);
    const quoted = found[1] ?? found[2];
    const item = (quoted ?? (found[3] ?? '').trimEnd()).replaceAll(/\\([,"'\\])/g, '$1');
    if (quoted !== undefined || item !== '') items.push(item);
  }
  return items;
}

/**
 * Quotes and escapes only what would otherwise be read differently, because oslo.config keeps the quotes and backslashes. Apostrophes are
 * in single quotes, with backslashes: no one takes those quotes for quotes around the whole value.
 */
function quoteItem(item: string): string {
  const escaped = item.replaceAll(/\\(?=[,"'\\]|$)/g, '\\\\');
  if (!/^$|^[\s"']|\s$|,/.test(item)) return escaped;
  const quote = item.includes("'") ? "'" : '"';
  return `${quote}${escaped.replaceAll(quote, `\\${quote}`)}${quote}`;
}

function parseItem(item: Option<unknown>, written: unknown, which: string): unknown {
  try {
    return item.check(written);
  } catch (error) {
    const hint = error instanceof InvalidValue ? error.hint : undefined;
    throw new InvalidValue(`${which} ${(error as Error).message}`, hint);
  }
}

function checkLength(least: number | undefined, length: number): void {
  if (least !== undefined && length < least) throw new InvalidValue(`should have at least ${least} items`);
}

/** The brackets around a value, if declared. */
type Brackets = '[]' | '{}' | false | undefined;

function within(brackets: Brackets, text: string): string {
  return brackets ? `${brackets[0]}${text}${brackets[1]}` : text;
}

function inside(brackets: Brackets, text: string): string {
  const trimmed = text.trim();
  if (!brackets || trimmed === '') return text;
  const [open, close] = brackets;
  if (!trimmed.startsWith(open!) || !trimmed.endsWith(close!))
    throw new InvalidValue(`should be between ${open} and ${close}`);
  return trimmed.slice(1, -1);
}

/** Returns a Map that refuses changes; `Object.freeze` alone does not protect its entries. */
function immutable<K, V>(map: Map<K, V>): ReadonlyMap<K, V> {
  const refuse = {
    value: () => {
      throw withCode(new TypeError('a configured value cannot be changed'), 'PORTICO_CONFIG_FROZEN');
    },
  };
  return Object.freeze(Object.defineProperties(map, { set: refuse, delete: refuse, clear: refuse }));
}
