/**
 * Options of the helpers.
 */
import { isObject, PorticoError, refuseUnknownOptions, whatItIs } from '../errors/index.js';

/** Refuses options that are no object, and unknown ones. `what`: the helper. `hint`: for options that are no object. */
export function checkOptions(what: string, options: unknown, names: object, hint?: string): void {
  const other = otherThanObject(options);
  if (other !== undefined) {
    throw new PorticoError('PORTICO_INVALID_OPTION', {
      message: `the options of ${what} are ${other}, not an object`,
      hint,
    });
  }
  refuseUnknownOptions('PORTICO_INVALID_OPTION', what, options as object, Object.keys(names));
}

function otherThanObject(options: unknown): string | undefined {
  if (ArrayBuffer.isView(options)) return 'bytes';
  if (!isObject(options)) return whatItIs(options);
  return Symbol.asyncIterator in options ? 'an async iterable' : undefined;
}
