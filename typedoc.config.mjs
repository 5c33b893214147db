/**
 * The configuration of the second half of `npm run docs`: the API reference of each entry point, in `site/dist/api` beside the pages. It
 * reads the declarations that are published, and so shows what users see.
 */
import { readFileSync } from 'node:fs';
import { Converter, JSX } from 'typedoc';

const { exports } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));
/** Declarations by the name under which users import them. `portico` is last: it re-exports what the others declare. */
const entryPoints = Object.entries(exports)
  .filter(([, { types }]) => types !== undefined)
  .map(([path, { types }]) => [`portico${path.slice(1)}`, types])
  .sort(([a], [b]) => Number(a === 'portico') - Number(b === 'portico'));

/** What readers look for first in a module; all else stays in the order of the alphabet. */
const FIRST = new Set(['Router']);

/** Gives each entry point its name, each page of the reference a link to the other pages, and lists what is looked for first at the top. */
function connect(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.children ?? []) {
      module.name = module.name === 'index' ? 'portico' : `portico/${module.name.replace(/^extras\/|\/index$/g, '')}`;
    }
  });
  const isLater = ({ name }) => Number(!FIRST.has(name));
  const afterGroups = -1000;
  const order = ({ project }) => {
    for (const { groups = [] } of project.children ?? [])
      for (const { children } of groups) children.sort((one, other) => isLater(one) - isLater(other));
  };
  app.converter.on(Converter.EVENT_RESOLVE_END, order, afterGroups);
  app.renderer.hooks.on('sidebar.begin', ({ relativeURL }) =>
    JSX.createElement(
      'p',
      null,
      JSX.createElement('a', { href: relativeURL('../index.html') }, 'Guides and reference'),
    ),
  );
}

// biome-ignore lint/style/noDefaultExport: typedoc reads its options from it.
export default {
  plugin: [connect],
  entryPoints: entryPoints.map(([, path]) => path),
  sortEntryPoints: false,
  tsconfig: 'site/tsconfig.json',
  out: 'site/dist/api',
  customCss: 'site/reference.css',
  name: 'Portico',
  readme: 'none',
  disableSources: true,
  githubPages: false,
  // The build has checked the types.
  skipErrorChecking: true,
  highlightLanguages: ['ini', 'javascript', 'json', 'shellscript', 'typescript'],
  validation: { notExported: false, invalidLink: true, invalidPath: true, rewrittenLink: true },
  treatWarningsAsErrors: true,
};
