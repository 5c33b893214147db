/** Page of an API's OpenAPI document, operations by path. It needs no script. */
import type { ControlAnswer } from '../control/control-server.js';
import { framed, type Html, html, table } from './frame.js';

/** The part of OpenAPI 3.1 that Portico writes. */
interface ApiDocument {
  readonly info: { readonly title: string; readonly version: string; readonly description?: string };
  readonly servers?: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, PathItem>>;
  readonly components?: Readonly<Record<string, Readonly<Record<string, object>>>>;
}

type PathItem = Readonly<Record<string, Operation>> & { readonly servers?: readonly { readonly url: string }[] };

interface Operation {
  readonly summary?: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly required?: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, Response>>;
  readonly security?: readonly object[];
  readonly 'x-versions'?: readonly Version[];
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly schema?: object;
}

interface Response {
  readonly description?: string;
  readonly headers?: object;
  readonly content?: Content;
}

interface Version {
  readonly from: string;
  readonly to: string | null;
  readonly body?: unknown;
  readonly query?: unknown;
}

type Content = Readonly<Record<string, { readonly schema?: unknown }>>;

const METHODS = ['get', 'put', 'post', 'patch', 'delete', 'head', 'options', 'trace'];

const STYLE = `
h2.path { font: 600 1rem ui-monospace, monospace; overflow-wrap: anywhere; }
details.operation { border: 1px solid var(--line); border-radius: 6px; margin: .35rem 0; padding: 0 .75rem; }
details.operation > summary { padding: .4rem 0; cursor: pointer; }
details.operation[open] > summary { border-bottom: 1px solid var(--line); }
.method { display: inline-block; min-width: 5rem; font: 600 13px ui-monospace, monospace; color: var(--one); }
.method.delete { color: var(--bad); }
nav ul { columns: 22rem; list-style: none; padding: 0; margin: .25rem 0; }
nav li { overflow-wrap: anywhere; }
`;

/** Page of all APIs, with links to the page and the document of each. */
export function apisPage(program: string, names: readonly string[]): ControlAnswer {
  const rows = names.map(
    (name) =>
      html`<tr><th scope="row"><a href="${pathOf(name)}">${name}</a></th><td><a href="${pathOf(name)}/openapi.json">OpenAPI 3.1</a></td></tr>
`,
  );
  return framed({
    title: `${program}: APIs`,
    first: 'apis',
    style: STYLE,
    header: html`<h1>APIs of ${program}</h1>
<a href="/">Status</a>
`,
    main: html`<div id="apis">${table('The responses of each API, from its routes, schemas and filters', ['API', 'document'], rows)}</div>
`,
  });
}

/** `name`: the service's name in its launcher. */
export function apiPage(name: string, given: unknown): ControlAnswer {
  const document = given as ApiDocument;
  const { info, servers = [], components = {} } = document;
  const paths = Object.entries(document.paths);
  return framed({
    title: `${info.title}: API`,
    first: 'paths',
    style: STYLE,
    header: html`<h1>${info.title}</h1>
<span>version ${info.version}</span>
<span>${servers.map(({ url }) => html`<code>${url}</code> `)}</span>
<a href="${pathOf(name)}/openapi.json">OpenAPI 3.1</a>
<a href="/docs">All APIs</a>
`,
    main: html`${paths.length === 0 ? html`<p>No operation is known: its app has no Router.</p>\n` : undefined}${info.description === undefined ? undefined : html`<p>${info.description}</p>\n`}<nav id="paths" aria-label="Paths">
<ul>
${paths.map(([path]) => html`<li><a href="#${anchor('path', path)}"><code>${path}</code></a></li>\n`)}</ul>
</nav>
${paths.map(([path, item]) => pathSection(path, item))}${named('Authentication', 'securitySchemes', components)}${named('Response headers', 'headers', components)}${named('Schemas', 'schemas', components)}`,
  });
}

function pathSection(path: string, item: PathItem): Html {
  const methods = METHODS.filter((method) => item[method] !== undefined);
  const { servers = [] } = item;
  return html`<section aria-labelledby="${id('path', path)}">
<h2 class="path" id="${id('path', path)}">${path}</h2>
${servers.map(({ url }) => html`<p>at <code>${url}</code></p>\n`)}${methods.map((method) => operation(method, path, item[method]!))}</section>
`;
}

function operation(method: string, path: string, described: Operation): Html {
  const { summary, parameters = [], requestBody, responses, security = [] } = described;
  const versions = described['x-versions'] ?? [];
  const schemes = security.map((one) => Object.keys(one).join(' and ')).join(', or ');
  return html`<details class="operation">
<summary><span class="method ${method}">${method.toUpperCase()}</span> ${summary ?? path}</summary>
${schemes === '' ? undefined : html`<p>Needs ${schemes}.</p>\n`}${parameters.length === 0 ? undefined : parameterTable(parameters)}${requestBody === undefined ? undefined : body(requestBody)}${versions.length === 0 ? undefined : versionTable(versions)}${answers(responses)}</details>
`;
}

function parameterTable(parameters: readonly Parameter[]): Html {
  const rows = parameters.map(
    ({ name, in: place, required, description, schema }) =>
      html`<tr><th scope="row"><code>${name}</code></th><td>${place}</td><td>${required ? 'yes' : ''}</td><td class="long">${words(schema)}</td><td class="long">${description}</td></tr>
`,
  );
  return table('Parameters', ['name', 'in', 'needed', 'value', 'meaning'], rows);
}

function body({ required, content }: NonNullable<Operation['requestBody']>): Html {
  return html`<h3>Body${required ? '' : ', which may be missing'}</h3>
${contents(content)}`;
}

function versionTable(versions: readonly Version[]): Html {
  const rows = versions.map(
    ({ from, to, body: sent, query }) =>
      html`<tr><th scope="row">${from}${to === from ? '' : to === null ? ' and later' : ` to ${to}`}</th><td>${folded('body', sent)}${folded('query', query)}</td></tr>
`,
  );
  return table('Versions', ['version', 'what it takes'], rows);
}

function answers(responses: Operation['responses']): Html {
  const rows = Object.entries(responses).map(
    ([status, { description, headers = {}, content = {} }]) =>
      html`<tr><th scope="row">${status}</th><td class="long">${description === status ? '' : description}</td><td>${contents(content)}</td><td class="long">${Object.keys(headers).map((name) => html`<a href="#${anchor('headers', name)}"><code>${name}</code></a> `)}</td></tr>
`,
  );
  return table('Responses', ['status', 'meaning', 'body', 'headers'], rows);
}

function contents(content: Content): Html {
  return html`${Object.entries(content).map(([type, { schema }]) => {
    const link = linkOf(schema);
    return link === undefined ? folded(type, schema) : html`<p>${type}: ${link}</p>`;
  })}`;
}

/** Returns a link to the component that a schema refers to. */
function linkOf(schema: unknown): Html | undefined {
  const { $ref } = (schema ?? {}) as { $ref?: unknown };
  const [, kind, name] = /^#\/components\/([^/]+)\/([^/]+)$/.exec(String($ref)) ?? [];
  return name === undefined ? undefined : html`<a href="#${anchor(kind!, name)}">${name}</a>`;
}

function folded(title: string, schema: unknown): Html | undefined {
  if (schema === undefined) return undefined;
  return html`<details><summary>${title}</summary>
${json(schema)}</details>`;
}

/** Returns the components of one kind, one below the other. */
function named(title: string, kind: string, components: NonNullable<ApiDocument['components']>): Html | undefined {
  const all = Object.entries(components[kind] ?? {});
  if (all.length === 0) return undefined;
  return html`<section aria-labelledby="${id(kind, '')}">
<h2 id="${id(kind, '')}">${title}</h2>
${all.map(([name, value]) => html`<h3 id="${id(kind, name)}">${name}</h3>\n${json(value)}`)}</section>
`;
}

function json(value: unknown): Html {
  return html`<pre tabindex="0">${JSON.stringify(value, undefined, 2)}</pre>
`;
}

/** Returns a small schema in one line: `integer, minimum 1`. */
function words(schema: object | undefined): string {
  const told = Object.entries(schema ?? {}).map(([name, value]) =>
    name === 'type' ? [value].flat().join(' or ') : `${name} ${JSON.stringify(value)}`,
  );
  return told.join(', ');
}

function pathOf(name: string): string {
  return `/docs/${encodeURIComponent(name)}`;
}

/** Returns an id without white space; two kinds never share one. */
function id(kind: string, name: string): string {
  return `${kind}-${encodeURIComponent(name)}`;
}

/** Returns the fragment of an id: a browser decodes it before the lookup. */
function anchor(kind: string, name: string): string {
  return encodeURIComponent(id(kind, name));
}
