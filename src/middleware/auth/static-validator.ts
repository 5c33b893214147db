/**
 * The validator `static`: tokens out of a file, for development.
 */
import { boolean, type Config, defineOptions } from '../../config/index.js';
import { ConfigurationRefused, type Origin } from '../../errors/index.js';
import { staticTokens } from './static-tokens.js';
import type { RefusedToken, TokenInfo, TokenValidator, ValidatorSettings } from './token-validator.js';

/**
 * Reads `static_tokens_file`: `{"<token>": {"user_id": …, "project_id": …, "roles": ["member"]}}`, see {@link staticTokens}.
 * Refuses to start without `[DEFAULT] debug = true`: tokens in a file are nobody's secret.
 */
export class StaticValidator implements TokenValidator {
  #tokens: ReadonlyMap<string, TokenInfo> = new Map();

  start({ config, options, origin, originOf }: ValidatorSettings): void {
    if (!config.has('DEFAULT', 'debug')) config.register('DEFAULT', debugFlag);
    if (config.resolve('DEFAULT', 'debug').value !== true) {
      throw new ConfigurationRefused('PORTICO_DEBUG_OFF', {
        message: 'the validator static believes tokens out of a file, and [DEFAULT] debug is not true',
        hint: 'Write debug = true in [DEFAULT] of the service configuration, or take another validator.',
        origin,
      });
    }
    const file = options.staticTokensFile ?? '';
    this.#tokens = staticTokens(textOf(config, file, originOf('static_tokens_file')), file);
  }

  challenge(): string {
    return 'Bearer realm="static"';
  }

  async validate(token: string): Promise<TokenInfo | RefusedToken> {
    return this.#tokens.get(token) ?? { refused: 'unknown: it is not in static_tokens_file' };
  }
}

const debugFlag = defineOptions({
  debug: boolean({ default: false, mutable: true, help: 'Log at level debug, whatever log_level says.' }),
});

function textOf(config: Config, file: string, origin: Origin): string {
  try {
    if (file === '') throw new Error('static_tokens_file is not set');
    return config.readFile(file).toString();
  } catch (cause) {
    throw new ConfigurationRefused('PORTICO_STATIC_TOKENS', {
      message: `the tokens of the validator static cannot be read: ${(cause as Error).message}`,
      hint: 'Name in static_tokens_file a JSON object: {"<token>": {"user_id": "…", "project_id": "…", "roles": ["…"]}}.',
      origin,
      cause,
    });
  }
}
