/**
 * The configuration of `npm run docs:api`, which builds a site in docs/api from all pages and the API of each entry point. Search works
 * without a network. A broken link is an error.
 */
import { Converter } from 'typedoc';

/** Categories of pages by path. All other pages are references of an entry point. */
const CATEGORIES = [
  [/^docs\/how-to\//, 'How-to'],
  [/^docs\/moving\//, 'Moving from'],
  [/^docs\/reference\//, 'Reference'],
  [/^docs\//, 'Start here'],
  [/^examples\//, 'Examples'],
];

/** Turns code in headings into text, because the theme omits code from anchors and the links of the pages include it. */
function plainHeadings(parts) {
  let line = '';
  for (const part of parts) {
    if (part.kind === 'code' && /^#+ /.test(line)) {
      part.kind = 'text';
      part.text = part.text.replaceAll('`', '').replaceAll(/[<*[\]]/g, '\\$&');
    }
    line = `${line}${part.text}`.split('\n').at(-1);
  }
}

/** Moves the heading of each page to its title, which the theme shows instead, and sets its category. */
function namePages(app) {
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_context, page) => {
    const text = page.content.map((part) => part.text).join('');
    const [heading = '', title] = /^(?:<!--.*-->\s*)?# (.*)\n+/.exec(text) ?? [];
    if (title === undefined) throw new Error(`${page.name}.md does not begin with a heading`);
    for (let left = heading.length; left > 0; ) {
      const [first] = page.content;
      left -= first.text.length;
      if (left >= 0) page.content.shift();
      else first.text = first.text.slice(left);
    }
    plainHeadings(page.content);
    const path = page.name;
    page.name = title.replaceAll('`', '');
    page.frontmatter.category = CATEGORIES.find(([pattern]) => pattern.test(path))?.[1] ?? 'About the project';
  });
}

// biome-ignore lint/style/noDefaultExport: typedoc reads its options from it.
export default {
  plugin: [namePages],
  entryPoints: [
    'src/index.ts',
    'src/{app,cli,config,launch,loader,middleware,openstack,registry,routing,rpc,sample,server,service,sqlite,tasks,testing}/index.ts',
  ],
  projectDocuments: [
    'docs/*.md',
    'docs/{how-to,moving,reference}/*.md',
    'examples/README.md',
    'examples/*/README.md',
    'bench/README.md',
    'CONTRIBUTING.md',
    'CHANGELOG.md',
  ],
  out: 'docs/api',
  name: 'Portico',
  readme: 'README.md',
  highlightLanguages: [
    'console',
    'diff',
    'html',
    'ini',
    'javascript',
    'json',
    'mermaid',
    'python',
    'shellscript',
    'typescript',
    'yaml',
  ],
  githubPages: false,
  // The build has checked the types.
  skipErrorChecking: true,
  categorizeByGroup: false,
  defaultCategory: 'Classes and functions',
  categoryOrder: [
    'Start here',
    'How-to',
    'Moving from',
    'Reference',
    'Reference by folder',
    'Classes and functions',
    'Examples',
    '*',
  ],
  navigation: { includeCategories: true },
  searchInDocuments: true,
  validation: {
    notExported: false,
    invalidLink: true,
    invalidPath: true,
    rewrittenLink: true,
    unusedMergeModuleWith: true,
  },
  treatWarningsAsErrors: true,
};
