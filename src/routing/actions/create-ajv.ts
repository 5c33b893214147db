/**
 * Ajv as the router uses it.
 */
import { createRequire } from 'node:module';
import { isIPv4, isIPv6 } from 'node:net';
import type { Ajv, _ as Template } from 'ajv';
import type ajvFormats from 'ajv-formats';
import type { FormatName } from 'ajv-formats';
import type { FastifyServerOptions } from 'fastify';
import { compareAsJson } from './equality-keywords.js';

/** Which draft schemas are written in. */
export type SchemaDraft = 'draft-07' | '2020-12';

const SHIPPED: FormatName[] = ['date-time', 'uuid', 'uri', 'email', 'ipv4', 'ipv6'];

/** The formats there are; any other in a schema is a mistake. */
export const FORMATS: readonly string[] = [...SHIPPED, 'cidr', 'base64'];

/** Options and plugins of the user's, as Fastify's option `ajv` has them. */
export type AjvOptions = NonNullable<FastifyServerOptions['ajv']>;

/**
 * An Ajv that knows the formats there are. `verbose`: its errors have their schema. Throws where Node may not make code of
 * texts: a check is generated, and that is to be told at the start.
 */
export function createAjv(
  draft: SchemaDraft,
  options: { coerceTypes: boolean; verbose: boolean },
  { customOptions, plugins = [], onCreate }: AjvOptions = {},
): Ajv {
  refuseWithoutCode();
  const { Validator, addFormats, code } = loadAjv(draft);
  const ajv = new Validator({
    ...options,
    strict: true,
    strictRequired: false,
    strictTypes: false,
    strictTuples: false,
    allowUnionTypes: true,
    validateSchema: false,
    // What it would write, the code of a check that does not compile, it throws as well, but for the code.
    logger: false,
    // Ajv's pass over the code it wrote is half of what compiling costs, and V8 makes the same of both.
    code: { optimize: false },
    ...customOptions,
  });
  compareAsJson(ajv, code);
  addFormats(ajv, { formats: SHIPPED });
  ajv.addFormat('cidr', isCidr);
  ajv.addFormat('base64', /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/);
  for (const written of plugins) {
    const [plugin, settings] = Array.isArray(written) ? written : [written, undefined];
    plugin(ajv, settings);
  }
  onCreate?.(ajv);
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
    const message = 'checks are generated code, and this process may make none';
    throw new Error(`${message} (--disallow-code-generation-from-strings)`, { cause });
  }
}

function isCidr(text: string): boolean {
  const [address = '', bits = '', ...more] = text.split('/');
  if (more.length > 0 || !/^\d{1,3}$/.test(bits)) return false;
  return (isIPv4(address) && Number(bits) <= 32) || (isIPv6(address) && Number(bits) <= 128);
}
