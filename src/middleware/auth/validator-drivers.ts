/** Loads validators by name. */
import { dirname } from 'node:path';
import type { FactoryContext } from '../../app/index.js';
import { optionOrigin } from '../../app/internal.js';
import type { Origin } from '../../errors/index.js';
import { Drivers } from '../../service/internal.js';
import { refusalAt } from '../refusal-at.js';
import { type AuthTokenOptions, type JwtOptions, jwtOptions } from './auth-token-options.js';
import { secretOf, secretVerifier } from './jwt-secret.js';
import type { TokenValidator, ValidatorSettings } from './token-validator.js';

/** The built-in validators. Each is imported, with its dependencies, only when it is used. */
const SHIPPED = {
  keystone: async () => new (await import('./keystone-validator.js')).KeystoneValidator(),
  jwt: async ({ config, origin }: ValidatorSettings, own?: JwtOptions): Promise<TokenValidator> => {
    const options = own ?? config.group('jwt', jwtOptions);
    const secret = secretOf(options, config, origin);
    const verify =
      secret === undefined
        ? (await import('./issuer-tokens.js')).issuerVerifier(options, { config, origin })
        : secretVerifier(options, secret);
    return new (await import('./jwt-validator.js')).JwtValidator(options, verify);
  },
  static: async () => new (await import('./static-validator.js')).StaticValidator(),
};

/**
 * Creates and starts the validator that the options name. Throws for an unknown name and lists the known ones. `jwt` has the options of
 * the validator jwt if the section of the filter sets them.
 */
export function startValidator(
  options: AuthTokenOptions,
  ctx: FactoryContext,
  jwt?: JwtOptions,
): Promise<TokenValidator> {
  return withDrivers(ctx, async (drivers) => {
    const { config, log, section } = ctx;
    // An option in the section of the filter takes precedence over the group.
    const originOf = (option: string): Origin => optionOrigin(ctx, options.configGroup ?? 'auth_token', option);
    const settings: ValidatorSettings = { options, config, log, origin: section.origin, originOf };
    const made = { required: ['validate'], args: [settings, jwt] };
    const validator = await drivers.load<TokenValidator>(options.validator, made);
    await validator.start?.(settings);
    return validator;
  });
}

/**
 * Checks for the errors that {@link startValidator} would throw. Built-in validators send nothing before the first token, so they are
 * started and stopped. A custom validator is only imported.
 */
export async function tryValidator(options: AuthTokenOptions, ctx: FactoryContext, jwt?: JwtOptions): Promise<void> {
  if (Object.hasOwn(SHIPPED, options.validator)) {
    const validator = await startValidator(options, ctx, jwt);
    await validator.stop?.();
  } else await findValidator(options, ctx);
}

/** Throws for an unknown validator. Does not create it. */
export async function findValidator({ validator }: AuthTokenOptions, ctx: FactoryContext): Promise<void> {
  await withDrivers(ctx, (drivers) => drivers.find(validator));
}

/** Reports an error of a driver at the option that names it. */
async function withDrivers<T>(ctx: FactoryContext, work: (drivers: Drivers) => Promise<T>): Promise<T> {
  const drivers = new Drivers({ folder: dirname(ctx.section.origin.file), builtin: SHIPPED, log: ctx.log });
  try {
    return await work(drivers);
  } catch (error) {
    throw refusalAt(error, ctx.section.options.get('validator')?.origin ?? ctx.section.origin);
  }
}
