/** Options of the command line that are whole numbers. */
import { PorticoError } from '../errors/index.js';

/** A parser of decimal digits, `min` or more; anything else is a usage error. */
export function wholeNumber(option: string, min = 0): (text: string) => number {
  return (text) => {
    if (/^\d{1,15}$/.test(text) && Number(text) >= min) return Number(text);
    const least = min === 0 ? '' : ` of at least ${min}`;
    throw new PorticoError('PORTICO_USAGE', { message: `${option} is a whole number${least}, not ${text}` });
  };
}
