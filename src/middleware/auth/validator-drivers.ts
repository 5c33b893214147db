/**
 * Validators by name.
 */
import { dirname } from 'node:path';
import type { FactoryContext } from '../../app/index.js';
import { ConfigurationRefused, PorticoError } from '../../errors.js';
import { type DriverKind, Drivers } from '../../service/index.js';
import type { AuthTokenOptions } from './auth-token-options.js';
import type { JwtOptions } from './jwt-options.js';
import type { TokenValidator, ValidatorSettings } from './token-validator.js';

/** The kind of driver that says what tokens are worth. Each comes with its own dependencies when it is named, not before. */
export const tokenValidatorKind: DriverKind = {
  kind: 'auth.validator',
  required: ['validate'],
  builtin: {
    keystone: async () => new (await import('./keystone-validator.js')).KeystoneValidator(),
    jwt: async (_: ValidatorSettings, options?: JwtOptions) =>
      new (await import('./jwt-validator.js')).JwtValidator(options),
    static: async () => new (await import('./static-validator.js')).StaticValidator(),
  },
};

/**
 * Makes and starts the validator that the options name. Throws for a name there is not, with those there are. `jwt` are the
 * options of the validator jwt where a section has them.
 */
export async function startValidator(
  options: AuthTokenOptions,
  ctx: FactoryContext,
  jwt?: JwtOptions,
): Promise<TokenValidator> {
  const settings: ValidatorSettings = { options, config: ctx.config, log: ctx.log, origin: ctx.section.origin };
  const drivers = new Drivers({ folder: dirname(ctx.section.origin.file), log: ctx.log });
  drivers.declare(tokenValidatorKind);
  try {
    const validator = await drivers.load<TokenValidator>(tokenValidatorKind.kind, options.validator, settings, jwt);
    await validator.start?.(settings);
    return validator;
  } catch (error) {
    if (!(error instanceof PorticoError) || error instanceof ConfigurationRefused) throw error;
    throw new ConfigurationRefused(error.code, {
      message: error.message,
      hint: error.hint,
      origin: ctx.section.options.get('validator')?.origin ?? ctx.section.origin,
      cause: error,
    });
  }
}
