/**
 * `api-cli init`: creates a small working project: an API, a filter with an option, a test, and the two files that compose them. The files
 * are in `paste/init`; only `package.json` is generated here.
 */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { printable, shellWord } from '../text/index.js';
import { example } from './command.js';
import {
  IN_JAVASCRIPT,
  languageOf,
  ON_OLDER_NODE,
  packageName,
  refuseOccupied,
  templateFile,
  templateFiles,
  writeProject,
} from './new-project.js';

export function register(program: Command): void {
  program
    .command('init')
    .description('write a small working project: an API, a filter, a test and the ini files')
    .argument('[dir]', 'a new or empty directory', '.')
    .option(...IN_JAVASCRIPT)
    .addHelpText('after', `${example('api-cli init library')}\n\n${ON_OLDER_NODE}`)
    .action((dir: string, { javascript = false }: { javascript?: boolean }) => init(dir, javascript));
}

function init(dir: string, inJavaScript: boolean): void {
  const target = resolve(dir);
  refuseOccupied(target, dir);
  const language = languageOf(inJavaScript);
  const { folder, extension, compile } = language;
  writeProject(target, language, {
    files: {
      ...templateFiles(folder),
      'README.md': templateFile('README.md').replace('{name}', packageName(target)),
      'api-paste.ini': templateFile('api-paste.ini').replaceAll('.ts:', `${extension}:`),
      'portico.ini': templateFile('portico.ini'),
    },
    // `exec`: signals reach api-cli itself.
    scripts: {
      dev: 'exec api-cli --dev',
      start: 'exec api-cli',
      test: 'node --test',
      check: `${compile}api-cli check`,
    },
  });
  process.stdout.write(told(dir, language));
}

function told(dir: string, { name, extension, why }: ReturnType<typeof languageOf>): string {
  const enter = resolve(dir) === resolve('.') ? '' : `  cd ${shellWord(printable(dir))}\n`;
  return `A project in ${name}${why}
  app/books${extension}          an API: routes, a controller, a schema
  app/cache-control${extension}  a filter with an option
  test/books.test${extension}    a test
  api-paste.ini         the filters and apps of each API
  portico.ini           addresses, ports and workers

Next:
${enter}  npm install
  npm test
  npm run dev           serves http://127.0.0.1:8080/books, and reloads after each change
`;
}
