/**
 * Writing service configuration so that it is read back as it was meant.
 */
import { createRequire } from 'node:module';
import { readConf } from '../../ini/index.js';

/** Sections with their options, in order. */
type IniSections = Iterable<readonly [section: string, options: Iterable<readonly [name: string, value: string]>]>;

/** Loaded with the first option that is written: a server only reads. */
function loadIni(): typeof import('ini') {
  return createRequire(import.meta.url)('ini') as typeof import('ini');
}

/** The text of a file. Throws for a value that the format cannot hold. */
export function writeIni(sections: IniSections): string {
  const parts = [...sections].map(([section, options]) => {
    const lines = [...options].map(([name, value]) => `${writeOption(name, value)}\n`);
    return `[${section}]\n${lines.join('')}`;
  });
  return parts.join('\n');
}

/**
 * `name = value`, quoted and continued as need be; no newline at the end. The `ini` package writes it where our reader
 * gives back the same value, because its own reader knows comments and escapes that service configuration does not.
 */
export function writeOption(name: string, value: string): string {
  const plain = loadIni()
    .stringify({ [name]: value }, { whitespace: true })
    .trimEnd();
  const candidates = [plain, `${name} = ${value}`, `${name} = "${value}"`, `${name} = '${value}'`];
  // Lines behind the first are indented, and an empty one would end the value.
  const written = candidates.map((text) => text.replaceAll('\n', '\n\t')).find((text) => reads(text, name, value));
  if (written === undefined)
    throw new RangeError(`option ${name}: no way to write this value: ${JSON.stringify(value)}`);
  return written;
}

function reads(text: string, name: string, value: string): boolean {
  const { entries, problems } = readConf('', `[section]\n${text}\n`);
  return problems.length === 0 && entries.length === 1 && entries[0]?.name === name && entries[0].value === value;
}
