/** A directory of modules and packages, and the name of the app that a paste file in it composes. */
import { join } from 'node:path';
import type { App } from 'portico/app';
import { Loader, type LoaderOptions } from 'portico/loader';
import { folderOf } from './folder.js';

export const say = (name: string) =>
  `() => { const app = () => undefined; return Object.assign(app, { said: ${JSON.stringify(name)} }); }`;

export const TREE = {
  'package.json': '{"name":"the-service","type":"module","exports":{"./own":"./lib/own.js"}}',
  'lib/own.js': `export const app = ${say('own')};`,
  'etc/local.js': `
export const app = ${say('local')};
export default ${say('local default')};
export class Router { static prefix = 'dotted'; static factory() { const said = this.prefix; return Object.assign(() => undefined, { said }); } }
`,
  'etc/old.cjs': `exports.app = ${say('cjs')}; exports.Deep = { app: ${say('cjs deep')} };`,
  'etc/function.cjs': `module.exports = ${say('cjs default')};`,
  'node_modules/esm-only/package.json':
    '{"name":"esm-only","type":"module","exports":{".":{"import":"./main.js"},"./sub/*":{"import":"./parts/*.js"}}}',
  'node_modules/esm-only/main.js': `export const app = ${say('esm')}; export default ${say('esm default')};`,
  'node_modules/esm-only/parts/one.js': `export const app = ${say('esm part')};`,
  'node_modules/plain/package.json': '{"name":"plain","main":"lib/index.js"}',
  'node_modules/plain/lib/index.js': `exports.app = ${say('plain')};`,
  'node_modules/@scope/with-points/package.json':
    '{"name":"@scope/with-points","type":"module","portico":{"paste.app_factory":{"main":"./f.js:app","both":"./f.js:app"},"paste.composite_factory":{"both":"./f.js:app"}}}',
  'node_modules/@scope/with-points/f.js': `export const app = ${say('entry point')};`,
  'node_modules/sample-dotted_name/package.json':
    '{"name":"sample-dotted_name","type":"module","portico":{"paste.app_factory":{"main":"./f.js"}}}',
  'node_modules/sample-dotted_name/f.js': `export default ${say('normalised')};`,
};

export async function said(ini: string, options: LoaderOptions = {}, more: Record<string, string> = {}) {
  const folder = folderOf({ ...TREE, 'etc/api-paste.ini': ini, ...more });
  const loader = new Loader(join(folder, 'etc', 'api-paste.ini'), options);
  const loaded = await loader.load('app');
  return ((await loaded.create()) as App & { said: string }).said;
}
