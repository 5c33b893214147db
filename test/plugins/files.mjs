/** Creates a directory with files to send, shared by all processes of one run. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The path of the directory. The process that creates it removes it. */
export const root = process.env.PORTICO_PLUGINS_ROOT ?? made();

function made() {
  const folder = mkdtempSync(join(tmpdir(), 'portico-plugins-files-'));
  mkdirSync(join(folder, 'docs'));
  writeFileSync(join(folder, 'docs', 'index.html'), '<h1>docs</h1>\n');
  writeFileSync(join(folder, 'hello.txt'), 'hello, files\n');
  writeFileSync(join(folder, 'large.txt'), 'many words '.repeat(1_000_000));
  writeFileSync(join(folder, 'page.ejs'), '<p><%= name %></p>\n');
  process.env.PORTICO_PLUGINS_ROOT = folder;
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
