/** The drivers of a configuration: those of Portico, and of its extensions. */
import type { Config } from 'portico/config';
import { loadedExtensionsOf } from 'portico/extension';
import { DRIVERS } from './drivers.js';
import type { Transports } from './transport.js';

/** Returns the drivers by scheme, in lower case. `isWhole`: false if not all extensions of the configuration are known. */
export function transportsOf(config: Config): { readonly transports: Transports; readonly isWhole: boolean } {
  const extensions = loadedExtensionsOf(config);
  const others = (extensions ?? []).flatMap(({ provides }) => Object.entries(provides?.transports ?? {}));
  const lower = others.map(([scheme, load]) => [scheme.toLowerCase(), load] as const);
  return { transports: { ...DRIVERS, ...Object.fromEntries(lower) }, isWhole: extensions !== undefined };
}
