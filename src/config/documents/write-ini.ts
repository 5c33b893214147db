/**
 * Writes service configuration so that it is read back unchanged.
 */

import { createRequire } from 'node:module';
import { withCode } from '../../errors/index.js';
import { readConf } from '../../ini/index.js';

/** Loaded with the first option that is written: a server only reads. */
function loadIni(): typeof import('ini') {
  return createRequire(import.meta.url)('ini') as typeof import('ini');
}

/**
 * Returns `name = value`, quoted and continued if needed, without a newline at the end. The `ini` package writes it if our reader returns
 * the same value, because its own reader has comments and escapes that service configuration does not have.
 */
export function writeOption(name: string, value: string): string {
  const plain = loadIni()
    .stringify({ [name]: value }, { whitespace: true })
    .trimEnd();
  const candidates = [plain, `${name} = ${value}`, `${name} = "${value}"`, `${name} = '${value}'`];
  // Lines after the first are indented, and an empty one would end the value.
  const written = candidates.map((text) => text.replaceAll('\n', '\n\t')).find((text) => reads(text, name, value));
  if (written === undefined)
    throw withCode(
      new RangeError(`option ${name}: no way to write this value: ${JSON.stringify(value)}`),
      'PORTICO_OPTION_DECLARATION',
    );
  return written;
}

function reads(text: string, name: string, value: string): boolean {
  const { entries, problems } = readConf('', `[section]\n${text}\n`);
  return problems.length === 0 && entries.length === 1 && entries[0]?.name === name && entries[0].value === value;
}
