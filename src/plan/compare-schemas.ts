/**
 * Differences between two schemas of a request or a response: a table of keywords, each with the function that tells whether the new value
 * accepts less, more, or something else.
 */
import { isDeepStrictEqual } from 'node:util';
import { excerpt } from '../text/index.js';
import { without } from './difference.js';
import type { RuleName } from './rules.js';
import type { JsonSchema } from './state.js';
import { anyWithin, type NamedValue, within } from './value-path.js';

export interface SchemaFinding {
  readonly rule: RuleName;
  readonly change: 'added' | 'removed' | 'changed';
  readonly text: string;
  /** The value that it is about. Default: none. */
  readonly value?: NamedValue['path'] | null;
}

export type Direction = 'request' | 'response';

type Schema = Readonly<Record<string, unknown>>;

/** Returns the differences of a value, such as `body.guest`. */
export function compareSchemas(
  before: JsonSchema | undefined,
  after: JsonSchema | undefined,
  direction: Direction,
  at: NamedValue,
): SchemaFinding[] {
  if (isDeepStrictEqual(before, after)) return [];
  return new Comparison(direction).values(objectOf(before), objectOf(after), at);
}

/** Returns a schema as an object: `true` and none accept everything. */
function objectOf(schema: unknown): Schema {
  if (schema === false) return { not: {} };
  if (typeof schema !== 'object' || schema === null) return {};
  const { const: only, ...rest } = schema as Schema;
  return merged('const' in (schema as Schema) ? { ...rest, enum: [only] } : rest);
}

/** Returns a schema with the members of its `allOf`, if they can be put beside each other. */
function merged(schema: Schema): Schema {
  const { allOf, ...own } = schema;
  if (!Array.isArray(allOf)) return schema;
  let all: Schema = own;
  const left: unknown[] = [];
  for (const part of allOf.map(objectOf)) {
    const { properties, required, ...others } = part;
    const isApart = Object.entries(others).some(([key, value]) => key in all && !isDeepStrictEqual(all[key], value));
    if (isApart) left.push(part);
    else {
      all = {
        ...all,
        ...others,
        ...(properties === undefined ? {} : { properties: { ...propertiesOf(all), ...propertiesOf(part) } }),
        ...(required === undefined ? {} : { required: [...new Set([...requiredOf(all), ...requiredOf(part)])] }),
      };
    }
  }
  return left.length === 0 ? all : { ...all, allOf: left };
}

const propertiesOf = ({ properties }: Schema) => (properties ?? {}) as Readonly<Record<string, unknown>>;
const requiredOf = ({ required }: Schema) => (Array.isArray(required) ? (required as string[]) : []);

/** Number of a bound's direction: 1 if a higher value accepts more. */
const BOUNDS: Readonly<Record<string, 1 | -1>> = {
  maximum: 1,
  exclusiveMaximum: 1,
  maxLength: 1,
  maxItems: 1,
  maxProperties: 1,
  minimum: -1,
  exclusiveMinimum: -1,
  minLength: -1,
  minItems: -1,
  minProperties: -1,
};

/** Bounds that mean nothing as they are. */
const NO_BOUND: Readonly<Record<string, number>> = { minLength: 0, minItems: 0, minProperties: 0 };

/** Keywords that are compared as a whole. */
const FORMS = [
  'pattern',
  'format',
  'multipleOf',
  'uniqueItems',
  'not',
  'propertyNames',
  'contains',
  'dependentRequired',
];

class Comparison {
  readonly #direction: Direction;

  constructor(direction: Direction) {
    this.#direction = direction;
  }

  values(before: Schema, after: Schema, at: NamedValue): SchemaFinding[] {
    if (isDeepStrictEqual(before, after)) return [];
    return [
      ...this.#types(before, after, at),
      ...this.#permitted(before, after, at),
      ...Object.keys(BOUNDS).flatMap((keyword) => this.#bound(keyword, before, after, at)),
      ...FORMS.flatMap((keyword) => this.#form(keyword, before, after, at)),
      ...this.#default(before, after, at),
      ...this.#members(before, after, at),
      ...this.#patterns(before, after, at),
      ...this.#others(before, after, at),
      ...this.#items(before, after, at),
      ...['anyOf', 'oneOf'].flatMap((keyword) => this.#choice(keyword, before, after, at)),
    ];
  }

  /** `said`: the words after the name of the value. */
  #said(
    rule: RuleName,
    { name, path }: NamedValue,
    said: string,
    change: SchemaFinding['change'] = 'changed',
  ): SchemaFinding[] {
    return [{ rule, text: `${name}${said}`, change, value: path }];
  }

  #types(before: Schema, after: Schema, at: NamedValue): SchemaFinding[] {
    const [old, now] = [typesOf(before), typesOf(after)];
    if (isDeepStrictEqual(old, now)) return [];
    const accepts = (types: readonly string[] | undefined, type: string): boolean =>
      types === undefined || types.includes(type) || (type === 'integer' && types.includes('number'));
    const lost = old === undefined ? now !== undefined : old.some((type) => !accepts(now, type));
    const won = now === undefined ? old !== undefined : now.some((type) => !accepts(old, type));
    const isNarrower = this.#direction === 'request' ? lost : !won;
    const rule: RuleName = `${this.#direction}-type-${isNarrower ? 'narrower' : 'wider'}`;
    return this.#said(rule, at, ` is ${typeText(now)}, and was ${typeText(old)}`);
  }

  #permitted({ enum: before }: Schema, { enum: after }: Schema, at: NamedValue): SchemaFinding[] {
    const direction = this.#direction;
    const [narrower, wider] = [`${direction}-values-narrower`, `${direction}-values-wider`] as const;
    const [old, now] = [before as readonly unknown[] | undefined, after as readonly unknown[] | undefined];
    if (old === undefined && now === undefined) return [];
    if (old === undefined) return this.#said(narrower, at, ` must be ${listed(now!, 'one of ')}`);
    if (now === undefined) return this.#said(wider, at, ` may have any value, and was ${listed(old, 'one of ')}`);
    const [lost, won] = [without(old, now), without(now, old)];
    return [
      ...(lost.length === 0 ? [] : this.#said(narrower, at, ` can no longer be ${listed(lost)}`)),
      ...(won.length === 0 ? [] : this.#said(wider, at, ` can also be ${listed(won)}`)),
    ];
  }

  #bound(keyword: string, before: Schema, after: Schema, at: NamedValue): SchemaFinding[] {
    const none = NO_BOUND[keyword] ?? Infinity * BOUNDS[keyword]!;
    const boundOf = (schema: Schema): number => (typeof schema[keyword] === 'number' ? schema[keyword] : none);
    const [old, now] = [boundOf(before), boundOf(after)];
    if (old === now) return [];
    const isWider = (now - old) * BOUNDS[keyword]! > 0;
    const rule: RuleName = `${this.#direction}-bound-${isWider ? 'wider' : 'narrower'}`;
    const shown = (value: number): string => (value === none ? 'none' : String(value));
    return this.#said(rule, at, `: ${keyword} ${shown(old)} -> ${shown(now)}`);
  }

  #form(keyword: string, before: Schema, after: Schema, at: NamedValue): SchemaFinding[] {
    const [old, now] = [before[keyword], after[keyword]];
    if (isDeepStrictEqual(old, now) || (old === undefined && now === false) || (old === false && now === undefined))
      return [];
    if (now === undefined || now === false)
      return this.#said(`${this.#direction}-bound-wider`, at, ` has no ${keyword} any more`);
    if (old === undefined || old === false)
      return this.#said(`${this.#direction}-bound-narrower`, at, ` has the ${keyword} ${shownValue(now)}`);
    return this.#said(`${this.#direction}-form-changed`, at, `: ${keyword} ${shownValue(old)} -> ${shownValue(now)}`);
  }

  #default({ default: old }: Schema, { default: now }: Schema, at: NamedValue): SchemaFinding[] {
    if (this.#direction === 'response' || isDeepStrictEqual(old, now)) return [];
    const shown = (value: unknown): string => (value === undefined ? 'none' : shownValue(value));
    return this.#said('request-default-changed', at, `: default ${shown(old)} -> ${shown(now)}`);
  }

  #members(before: Schema, after: Schema, at: NamedValue): SchemaFinding[] {
    const [old, now] = [propertiesOf(before), propertiesOf(after)];
    const [wasRequired, isRequired] = [requiredOf(before), requiredOf(after)];
    const isRequest = this.#direction === 'request';
    const names = new Set([...Object.keys(old), ...Object.keys(now), ...wasRequired, ...isRequired]);
    return [...names].flatMap((name): SchemaFinding[] => {
      const member = within(at, name);
      const [was, is] = [Object.hasOwn(old, name), Object.hasOwn(now, name)];
      const hasDefault = objectOf(now[name]).default !== undefined;
      const [needed, needs] = [wasRequired.includes(name), isRequired.includes(name) && !(isRequest && hasDefault)];
      if (is && !was && !needed) {
        if (isRequest && needs)
          return this.#said('request-member-required-added', member, ' is new and required', 'added');
        return this.#said(`${this.#direction}-member-added`, member, ' is new', 'added');
      }
      if (was && !is && !needs) {
        if (!isRequest) return this.#said('response-member-removed', member, ' is removed', 'removed');
        return after.additionalProperties === false
          ? this.#said('request-member-refused', member, ' is refused now', 'removed')
          : this.#said('request-member-removed', member, ' is no longer known', 'removed');
      }
      const required: SchemaFinding[] =
        needed === needs
          ? []
          : needs
            ? this.#said(
                `${this.#direction}-member-became-required`,
                member,
                ` is ${isRequest ? 'required now' : 'always there now'}`,
              )
            : this.#said(`${this.#direction}-member-became-optional`, member, ' is optional now');
      return [...required, ...(was && is ? this.values(objectOf(old[name]), objectOf(now[name]), member) : [])];
    });
  }

  #patterns(before: Schema, after: Schema, at: NamedValue): SchemaFinding[] {
    const [old, now] = [before.patternProperties ?? {}, after.patternProperties ?? {}] as [Schema, Schema];
    return [...new Set([...Object.keys(old), ...Object.keys(now)])].flatMap((pattern) => {
      const member = anyWithin(at, `.${pattern}`);
      if (pattern in old && pattern in now) return this.values(objectOf(old[pattern]), objectOf(now[pattern]), member);
      const isClosed = (pattern in now ? before : after).additionalProperties === false;
      const isWider = pattern in now === isClosed;
      const rule: RuleName = `${this.#direction}-bound-${isWider ? 'wider' : 'narrower'}`;
      return this.#said(rule, member, pattern in now ? ' is new' : ' is removed');
    });
  }

  /** Members that no schema names. */
  #others(before: Schema, after: Schema, at: NamedValue): SchemaFinding[] {
    const [old = true, now = true] = [before.additionalProperties, after.additionalProperties];
    if (isDeepStrictEqual(old, now)) return [];
    if (now === false) return this.#said(`${this.#direction}-bound-narrower`, at, ' has no other members any more');
    if (old === false) return this.#said(`${this.#direction}-bound-wider`, at, ' may have other members');
    return this.values(objectOf(old), objectOf(now), anyWithin(at, '.*'));
  }

  #items(before: Schema, after: Schema, at: NamedValue): SchemaFinding[] {
    const [tuples, now] = [before.prefixItems, after.prefixItems].map((each) => (Array.isArray(each) ? each : []));
    const length = Math.max(tuples!.length, now!.length);
    const places = Array.from({ length }, (_, index) => index);
    return [
      ...places.flatMap((index) => this.values(objectOf(tuples![index]), objectOf(now![index]), within(at, index))),
      ...this.values(objectOf(before.items), objectOf(after.items), anyWithin(at, '[]')),
    ];
  }

  /** Alternatives that are equal are paired; if one of each is left, those are compared. */
  #choice(keyword: string, before: Schema, after: Schema, at: NamedValue): SchemaFinding[] {
    const [old, now] = [before[keyword], after[keyword]].map((each) => (Array.isArray(each) ? each : undefined));
    if (old === undefined && now === undefined) return [];
    const direction = this.#direction;
    const [narrower, wider] = [`${direction}-choice-narrower`, `${direction}-choice-wider`] as const;
    if (old === undefined) return this.#said(narrower, at, ` must be ${keyword} ${now!.length} alternatives`);
    if (now === undefined) return this.#said(wider, at, ` is no longer one of ${old.length} alternatives`);
    const [lost, won] = [without(old, now), without(now, old)];
    if (lost.length === 1 && won.length === 1) return this.values(objectOf(lost[0]), objectOf(won[0]), at);
    return [
      ...(lost.length === 0 ? [] : this.#said(narrower, at, ` has ${lost.length} fewer alternatives`)),
      ...(won.length === 0 ? [] : this.#said(wider, at, ` has ${won.length} more alternatives`)),
    ];
  }
}

function typesOf({ type }: Schema): readonly string[] | undefined {
  return type === undefined ? undefined : ([type].flat() as string[]).toSorted();
}

function typeText(types: readonly string[] | undefined): string {
  return types === undefined ? 'of any type' : types.join(' or ');
}

function listed(values: readonly unknown[], several = ''): string {
  const shown = values.map(shownValue);
  return shown.length === 1 ? shown[0]! : `${several}${shown.join(', ')}`;
}

/** Long values are cut. */
const shownValue = (value: unknown): string => excerpt(JSON.stringify(value), 60);
