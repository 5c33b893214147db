/**
 * The object a group's values are handed out in.
 */
import { inspect } from 'node:util';
import { masked, maskValue } from './mask.js';
import { camelCase, type OptionDeclarations } from './option.js';

/**
 * Freezes the values of a group under their camel-case names. Printed or turned into JSON, an object that holds a
 * secret or a password shows `****` in its place.
 */
export function groupValues(options: OptionDeclarations, values: ReadonlyMap<string, unknown>): object {
  const object = Object.fromEntries([...values].map(([opt, value]) => [camelCase(opt), value]));
  const hidden = Object.entries(options).filter(([opt, option]) => {
    const value = values.get(opt);
    return value !== undefined && maskValue(opt, option, value) !== option.format(value);
  });
  if (hidden.length === 0) return Object.freeze(object);
  const shown = () => ({
    ...object,
    ...Object.fromEntries(
      hidden.map(([opt, option]) => [camelCase(opt), option.secret ? masked : maskValue(opt, option, values.get(opt))]),
    ),
  });
  return Object.freeze(
    Object.defineProperties(object, { toJSON: { value: shown }, [inspect.custom]: { value: shown } }),
  );
}
