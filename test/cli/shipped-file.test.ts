/** `paste/portico.ini` as the reference that the README says it is. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { generateSample, type OptionDeclarations } from 'portico/config';
import { shippedOptions } from '../../dist/cli/shipped-options.js';
import { root, startApiCli } from '../e2e/program.js';

/** What a generated sample says of an option, and its assignment, the lines of several in one. */
function sampleOf(group: string, opt: string, options: OptionDeclarations): { help: string; assignment: string } {
  const sample = generateSample([{ group, options: { [opt]: options[opt]! } }]);
  const end = sample.search(new RegExp(`^#? ?${opt} =`, 'm'));
  return { help: sample.slice(sample.lastIndexOf('\n\n', end) + 1, end), assignment: sample.slice(end).trimEnd() };
}

test('CF-95 paste/portico.ini has every option that ships, with its help, set there or with its default', async () => {
  const text = readFileSync(join(root, 'paste', 'portico.ini'), 'utf8');
  const sections = new Map(
    text
      .split(/^(?=\[)/m)
      .slice(1)
      .map((section) => [/^\[([^\]]+)\]/.exec(section)![1]!, section]),
  );
  const missing: string[] = [];
  const shipped = await shippedOptions();
  for (const { group, options } of shipped) {
    const section = sections.get(group === 'api:<name>' ? 'api:compute' : group) ?? '';
    for (const opt of Object.keys(options)) {
      const { help, assignment } = sampleOf(group, opt, options);
      const isSet = section.includes(`${help}${opt} =`);
      if (!isSet && !section.includes(`${help}${assignment}\n`)) missing.push(`[${group}] ${opt}:${help}`);
    }
  }
  assert.ok(shipped.length > 30);
  assert.deepEqual(missing, []);
});

test('CF-95 the shipped files have no mistake, nor anything that looks like one', async () => {
  const program = startApiCli(['check', '--config-file', 'paste/portico.ini', '--format', 'github'], { cwd: root });
  const { code } = await program.ended;
  // A port may be somebody's on the machine at hand.
  const found = program.stdout.split('\n').filter((line) => line !== '' && !line.includes('PORTICO_ADDRESS_TAKEN'));
  assert.deepEqual([code, found], [0, []], program.output());
});
