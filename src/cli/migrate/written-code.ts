/** Code of a new project that stands for apps and filters in Python. Its author completes it. */
import type { Language } from '../new-project.js';
import { isGuard, type StandIn } from './stand-ins.js';

/** Returns the files of the code, by their paths in the project. */
export function codeFor(standIns: readonly StandIn[], { extension }: Language): Readonly<Record<string, string>> {
  const typed = extension === '.ts';
  const apps = standIns.filter(({ how }) => how === 'app');
  const filters = standIns.filter(({ how }) => how === 'filter');
  return {
    ...(apps.length > 0 && { [`app/not-written${extension}`]: notWritten(typed) }),
    ...Object.fromEntries(apps.map((each) => [each.target.slice(2, -':app'.length), appCode(each, typed, extension)])),
    ...(filters.length > 0 && { [`app/filters${extension}`]: filtersCode(filters, typed) }),
  };
}

function notWritten(typed: boolean): string {
  return `/** The last route of an app that is not whole: what no other route has responds with 501, in the API's style of errors. */
import { Fault${typed ? ', type Router' : ''} } from 'portico';

export function notWritten(router${typed ? ': Router' : ''}) {
  router.connect('{path:.*}', {
    body: 'stream',
    handler: ({ method }) => {
      throw new Fault(501, { message: \`\${method} of this path is not written yet.\` });
    },
  });
}
`;
}

const COMPOSITE = /^paste\.composite?_factory$/;

function appCode(each: StandIn, typed: boolean, extension: string): string {
  const { factory } = each;
  const isComposite = COMPOSITE.test(factory.protocol);
  const type = isComposite ? 'CompositeFactory' : 'AppFactory';
  const imports = [
    ...(typed && isComposite
      ? ["import { Router } from 'portico';", "import type { CompositeFactory } from 'portico/app';"]
      : []),
    ...(typed && !isComposite ? ["import { type AppFactory, Router } from 'portico';"] : []),
    ...(typed ? [] : ["import { Router } from 'portico';"]),
    `import { notWritten } from './not-written${extension}';`,
  ];
  return `/** ${standsFor(each)} */
${imports.join('\n')}

/** ${optionsText(factory.section.options)} */
export const app${typed ? `: ${type}` : ''} = (${isComposite ? '_loader, ' : ''}_globalConf, _localConf, ctx) => {
  const router = new Router({ log: ctx.log });
  // Its routes: router.get('/servers/{id}', ({ params }) => ({ server: { id: params.id } }));
  notWritten(router);
  return router.build();
};
`;
}

function optionsText(options: ReadonlyMap<string, unknown>): string {
  const names = [...options.keys()];
  if (names.length === 0) return 'Its section has no options.';
  return `Options of its section: ${inComment(names.join(', '))}, as in _localConf.get('${inComment(names[0]!).replaceAll("'", "\\'")}').`;
}

function standsFor({ factory: { name, sections }, file }: StandIn): string {
  const of = `${sections.length === 1 ? 'the section' : 'the sections'} ${sections.join(', ')} of ${file}`;
  return `Stands for ${inComment(`${name}, ${of}`)}.`;
}

const inComment = (text: string): string => text.replaceAll('*/', '* /').replaceAll(/\s+/g, ' ');

function filtersCode(filters: readonly StandIn[], typed: boolean): string {
  const isApp = ({ factory }: StandIn): boolean => factory.protocol === 'paste.filter_app_factory';
  const hasGuard = filters.some(isGuard);
  const names = [
    ...(hasGuard ? (typed ? ['type App', 'Fault'] : ['Fault']) : []),
    ...(typed && !filters.every(isApp) ? ['type FilterFactory'] : []),
  ];
  const imports = [
    names.length === 0 ? '' : `import { ${names.join(', ')} } from 'portico';\n`,
    typed && filters.some(isApp) ? "import type { FilterAppFactory } from 'portico/app';\n" : '',
  ].join('');
  const code = filters.map((each) => {
    const { factory, target } = each;
    const name = target.slice(target.indexOf(':') + 1);
    const [section = name] = factory.sections;
    const does = isGuard(each) ? 'refuses all requests until it is written' : 'does nothing yet';
    const warn = `ctx.log.warn(${JSON.stringify(`the filter ${section} ${does}`)});`;
    const app = isGuard(each) ? 'refuse' : 'app';
    const [type, args, result] = isApp(each)
      ? ['FilterAppFactory', `${isGuard(each) ? '_app' : 'app'}, _globalConf, _localConf, ctx`, app]
      : ['FilterFactory', '_globalConf, _localConf, ctx', isGuard(each) ? '() => refuse' : '(app) => app'];
    return `/** ${standsFor(each)} */
export const ${name}${typed ? `: ${type}` : ''} = (${args}) => {
  ${warn}
  return ${result};
};
`;
  });
  const refuse = `
/** In place of a filter that may protect its app: responds with 501. */
const refuse${typed ? ': App' : ''} = () => {
  throw new Fault(501, { message: 'A filter of this API is not written yet.' });
};
`;
  return `/** Filters that nothing stands for yet, as each says in the log. */
${imports}${hasGuard ? `${refuse}\n` : '\n'}${code.join('\n')}`;
}
