#!/usr/bin/env node
// Checks the paste files of real services in a directory, `<dir>/<id>/<file>` with `../origins.json`, and what the check says of them: no
// error about a server, no proposal of a module for what is here under that name. Prints the counts of errors by code, and of files.
//
//   check-wild.mjs DIR [--list]         --list: each reference without a counterpart, with the number of files that have it
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Loader } from 'portico/loader';

const [dir, mode] = process.argv.slice(2);
const { FILTERS } = await import('../../dist/filters.js');
const bare = (text) => text.replaceAll(/[-_]/g, '').toLowerCase();
const filters = new Set(Object.keys(FILTERS).map(bare));

const origins = JSON.parse(readFileSync(join(dir, '..', 'origins.json'), 'utf8'));
const counts = {};
const references = new Map();
const wrong = [];
let clean = 0;
for (const { id, file } of origins) {
  const path = join(dir, id, file);
  const found = await Loader.checkFile(path).catch((error) => [
    { severity: 'error', code: error.code ?? String(error) },
  ]);
  const errors = found.filter(({ severity }) => severity === 'error');
  if (errors.length === 0) clean += 1;
  for (const { code, proposal, section = '' } of errors) {
    counts[code] = (counts[code] ?? 0) + 1;
    const at = `${id}/${basename(file)} [${section}] ${code}`;
    if (section.startsWith('server:') && /NO_(?:PACKAGE|ENTRY_POINT|MODULE)$/.test(code)) wrong.push(`${at}: a server`);
    const [from, target = ''] = proposal?.split(/\s+/) ?? [];
    const [, name = ''] = /[#:]([\w-]+)/.exec(target.replace(/^\.\//, '')) ?? [];
    if (target.startsWith('./') && section.startsWith('filter:') && filters.has(bare(name)))
      wrong.push(`${at}: proposes ${target}, and there is a filter of that name`);
    if (from !== undefined) references.set(from, (references.get(from) ?? new Set()).add(id));
  }
}
console.log(`${origins.length} files, ${clean} without an error`);
for (const [code, count] of Object.entries(counts).sort((a, b) => b[1] - a[1]))
  console.log(String(count).padStart(6), code);
if (mode === '--list') {
  for (const [from, ids] of [...references].sort((a, b) => b[1].size - a[1].size))
    console.log(String(ids.size).padStart(6), from);
}
for (const line of wrong) console.log(`wrong: ${line}`);
process.exitCode = wrong.length > 0 ? 1 : 0;
