/**
 * The validator `static`: accepts the tokens in a file, for development. The file is a JSON object with an entry for each token;
 * docs/reference/filters/authentication.md lists the members of an entry.
 */
import { type RefusedValue, SchemaChecks } from '../../app/index.js';
import type { Config } from '../../config/index.js';
import { camelCase } from '../../config/internal.js';
import {
  ConfigurationRefused,
  ignoreErrors,
  isObject,
  nearestOrAll,
  type Origin,
  Refusals,
} from '../../errors/index.js';
import { requireDebug } from '../debug-only.js';
import { isPlausible } from './presented-token.js';
import type { RefusedToken, TokenInfo, TokenValidator, ValidatorSettings } from './token-validator.js';

/**
 * Reads `static_tokens_file`: `{"<token>": {"user_id": …, "project_id": …, "roles": ["member"]}}`, see {@link staticTokens}. Refuses to
 * start without `[DEFAULT] debug = true`, because tokens in a file are not secret.
 */
export class StaticValidator implements TokenValidator {
  #tokens: ReadonlyMap<string, TokenInfo> = new Map();

  start({ config, options, origin, originOf }: ValidatorSettings): void {
    const what = 'the validator static trusts tokens from a file';
    requireDebug(config, what, 'use another validator', origin);
    const file = options.staticTokensFile ?? '';
    const named = originOf('static_tokens_file');
    this.#tokens = staticTokens(textOf(config, file, named), file, named);
  }

  challenge(): string {
    return 'Bearer realm="static"';
  }

  async validate(token: string): Promise<TokenInfo | RefusedToken> {
    return this.#tokens.get(token) ?? { refused: 'unknown: it is not in static_tokens_file' };
  }
}

function textOf(config: Config, file: string, origin: Origin): string {
  try {
    if (file === '') throw new Error('static_tokens_file is not set');
    return config.readFile(file).toString();
  } catch (cause) {
    throw new ConfigurationRefused('PORTICO_STATIC_TOKENS', {
      message: `the tokens of the validator static cannot be read: ${(cause as Error).message}`,
      hint: 'Set static_tokens_file to a file with a JSON object: {"<token>": {"user_id": "…", "project_id": "…", "roles": ["…"]}}.',
      origin,
      cause,
    });
  }
}

const TEXT = { type: 'string', minLength: 1 };
const NAMES = { type: 'array', items: TEXT };
const object = <P extends object>(properties: P) => ({ type: 'object', additionalProperties: false, properties });
const NAMED = object({ id: TEXT, name: TEXT });

/** The members of an entry. */
const ENTRY = {
  ...object({
    user_id: TEXT,
    user_name: TEXT,
    user_domain: NAMED,
    project_id: TEXT,
    project_name: TEXT,
    project_domain: NAMED,
    domain: NAMED,
    system_scope: TEXT,
    roles: NAMES,
    is_admin_project: { type: 'boolean' },
    expires_at: { type: 'string', format: 'date-time' },
    issued_at: { type: 'string', format: 'date-time' },
    audit_ids: NAMES,
    methods: NAMES,
    app_credential: object({
      id: TEXT,
      name: TEXT,
      restricted: { type: 'boolean' },
      access_rules: { type: 'array', items: object({ service: TEXT, method: TEXT, path: TEXT }) },
    }),
    catalog: { type: 'array' },
    bind: { type: 'object' },
    claims: { type: 'object' },
  }),
  required: ['user_id'],
};

/** Objects whose members have the names of the application. */
const KEPT: ReadonlySet<string> = new Set(['catalog', 'bind', 'claims']);

/**
 * Parses the tokens. Throws a `ConfigurationRefused` (`PORTICO_STATIC_TOKENS`) that says, for each wrong entry, its number and the first
 * error. Messages contain no token: no entry name and no value. `origin`: the option that names the file.
 */
export function staticTokens(text: string, file: string, origin?: Origin): ReadonlyMap<string, TokenInfo> {
  // The error of the parser is not used, because it quotes the text.
  const entries: unknown = ignoreErrors(() => JSON.parse(text) as unknown);
  const refusals = new Refusals();
  const refuse = (message: string, hint?: string): void =>
    refusals.note(new ConfigurationRefused('PORTICO_STATIC_TOKENS', { message: `${file}: ${message}`, hint, origin }));
  if (!isObject(entries)) refuse('it is not a JSON object', FORM);
  const check = new SchemaChecks().compile(ENTRY);
  const tokens = Object.entries(isObject(entries) ? entries : {}).map(([token, entry], at) => {
    const wrong = check(entry);
    if (wrong !== undefined) refuse(`entry ${at + 1}: ${whatIsWrong(wrong, entry)}`, hintFor(wrong));
    if (!isPlausible(token)) refuse(`no request can present the token of entry ${at + 1}`, PRESENTABLE);
    return [token, { roles: [], ...(inCamelCase(entry) as object) } as TokenInfo] as const;
  });
  refusals.refuse();
  return new Map(tokens);
}

function whatIsWrong({ steps, path, keyword, wanted }: RefusedValue, entry: unknown): string {
  if (keyword !== 'additionalProperties') return path === '' ? wanted : `${path}: ${wanted}`;
  const value = steps.reduce<unknown>((inner, step) => (inner as Record<string, unknown>)[step], entry);
  // The name of an object may be a token, if the file is nested one level too deep.
  return isObject(value) ? 'it has an unknown member, which is an object' : `it has no member "${path}"`;
}

function hintFor({ steps, keyword }: RefusedValue): string | undefined {
  if (keyword !== 'additionalProperties' || steps.length > 1) return undefined;
  return nearestOrAll(steps[0]!, Object.keys(ENTRY.properties), 'Members');
}

const FORM = 'It must be a JSON object: {"<token>": {"user_id": "…", "project_id": "…", "roles": ["…"]}}.';
const PRESENTABLE = 'A token has at most 8192 characters of printable ASCII, and no blanks.';

function inCamelCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inCamelCase);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [camelCase(name), KEPT.has(name) ? inner : inCamelCase(inner)]),
  );
}
