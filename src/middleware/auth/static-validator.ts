/**
 * The validator `static`: tokens out of a file, for development.
 */
import { boolean, camelCase, defineOptions } from '../../config/index.js';
import { ConfigurationRefused } from '../../errors.js';
import type { TokenInfo, TokenValidator, ValidatorSettings } from './token-validator.js';

/**
 * Reads `static_tokens_file`: `{"<token>": {"user_id": …, "project_id": …, "roles": ["member"]}}`, the fields of
 * {@link TokenInfo} in snake case. Refuses to start without `[DEFAULT] debug = true`: tokens in a file are nobody's secret.
 */
export class StaticValidator implements TokenValidator {
  #tokens: ReadonlyMap<string, TokenInfo> = new Map();

  start({ config, options, origin }: ValidatorSettings): void {
    if (!config.has('DEFAULT', 'debug')) config.register('DEFAULT', debugFlag);
    if (config.resolve('DEFAULT', 'debug').value !== true) {
      throw new ConfigurationRefused('PORTICO_DEBUG_OFF', {
        message: 'the validator static believes tokens out of a file, and [DEFAULT] debug is not true',
        hint: 'Write debug = true in [DEFAULT] of the service configuration, or take another validator.',
        origin,
      });
    }
    try {
      if (options.staticTokensFile === undefined) throw new Error('static_tokens_file is not set');
      this.#tokens = tokensOf(parsed(config.readFile(options.staticTokensFile)));
    } catch (cause) {
      throw new ConfigurationRefused('PORTICO_STATIC_TOKENS', {
        message: `the tokens of the validator static cannot be read: ${(cause as Error).message}`,
        hint: 'Name in static_tokens_file a JSON object: {"<token>": {"user_id": "…", "project_id": "…", "roles": ["…"]}}.',
        origin,
        cause,
      });
    }
  }

  challenge(): string {
    return 'Bearer realm="static"';
  }

  async validate(token: string): Promise<TokenInfo | null> {
    return this.#tokens.get(token) ?? null;
  }
}

const debugFlag = defineOptions({
  debug: boolean({ default: false, mutable: true, help: 'Log at level debug, whatever log_level says.' }),
});

/** Without the parser's own message: it shows a piece of the text, tokens and all. */
function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    throw new Error('it is not JSON');
  }
}

function tokensOf(json: unknown): Map<string, TokenInfo> {
  if (!isObject(json)) throw new Error('it is not a JSON object');
  return new Map(
    Object.entries(json).map(([token, fields], at) => {
      const { roles = [] } = isObject(fields) ? (fields as { roles?: unknown }) : {};
      if (!isObject(fields) || !Array.isArray(roles) || !roles.every((role) => typeof role === 'string')) {
        throw new Error(`entry ${at + 1} is not an object with roles as a list of names`);
      }
      const named = Object.entries(fields).map(([name, value]) => [camelCase(name), value]);
      return [token, { ...Object.fromEntries(named), roles }];
    }),
  );
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
