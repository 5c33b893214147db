/**
 * The keywords that compare values, with an equality that takes all that a client may send.
 */
import type { Ajv, CodeKeywordDefinition, KeywordCxt, _ as Template } from 'ajv';
import { areEqual, equalPair, equalsOneOf } from './json-equality.js';

/**
 * Gives `const`, `enum` and `uniqueItems` of one Ajv the equality of JSON. Ajv's own calls `toString` and `valueOf` and
 * looks at `constructor`, which in a client's object are values like others, and it goes as deep as the stack.
 */
export function compareAsJson(ajv: Ajv, code: typeof Template): void {
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

/** Other code for a keyword where its value asks for it. The definition is this Ajv's own, and keeps its turn. */
function replaceCode(
  ajv: Ajv,
  keyword: string,
  applies: (schema: unknown, parent: Readonly<Record<string, unknown>>) => boolean,
  write: (cxt: KeywordCxt) => void,
): void {
  const definition = ajv.getKeyword(keyword) as CodeKeywordDefinition;
  const { code } = definition;
  definition.code = (cxt, ruleType) => {
    if (applies(cxt.schema, cxt.parentSchema)) write(cxt);
    else code(cxt, ruleType);
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
