/** Error responses as text: faults in the built-in styles (Portico, OpenStack, problem), and renderers of the application. */
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { createRequire } from 'node:module';
import type NegotiatorOf from 'negotiator';
import type { Config } from '../../config/index.js';
import {
  ConfigurationRefused,
  errorText,
  ignoreErrors,
  isObject,
  type Origin,
  PorticoError,
  whatItIs,
} from '../../errors/index.js';
import { besideOption, importModuleExport } from '../../service/internal.js';
import { type App, isAsync, isThenable } from '../app.js';
import { environ, exchangeOf } from '../exchange.js';
import type { Fault, FaultIssue } from '../fault.js';
import {
  type FaultForm,
  type FaultRenderer,
  type FaultStyle,
  type FaultStyleName,
  isStyleName,
  type WrittenForm,
} from '../fault-form.js';
import { usableHeaders } from '../header-fields.js';
import { FIELD, readHeaders } from '../request-fields.js';
import { apiFaultOptions, faultOptions, RENDERER_HINT } from './fault-options.js';

// By an import, Node also looks for the names that CommonJS files export, with a parser that nothing else here needs: 8 ms of CPU time.
const Negotiator = createRequire(import.meta.url)('negotiator') as typeof NegotiatorOf;

export const PORTICO_FORM: FaultForm = Object.freeze({ style: 'portico', invalidInputStatus: 400 });

/** Returns the fault format of a request: the one set by {@link inFaultForm}, else the server's, else Portico's own. */
export function faultFormOf(req: IncomingMessage): FaultForm {
  const { faultForm, serverState: server } = exchangeOf(req);
  return faultForm ?? server?.faultForm ?? PORTICO_FORM;
}

/** Returns an app whose requests use that form, which takes precedence over the server's. Null and Portico's own form change nothing. */
export function inFaultForm(app: App, form: FaultForm | null): App {
  if (form === null || form === PORTICO_FORM) return app;
  return (req, res) => {
    exchangeOf(req).faultForm = form;
    return app(req, res);
  };
}

/**
 * Renders a fault in a style. Throws `PORTICO_FAULT_RENDERER`, with the renderer's name, if the renderer throws or returns no
 * valid rendered fault.
 */
export function renderedAs(
  style: FaultStyle,
  fault: Fault,
  req: IncomingMessage,
): { readonly type: string; readonly headers: Readonly<OutgoingHttpHeaders>; readonly body: string } {
  const render = typeof style === 'function' ? style : RENDERERS[style];
  const rendered = calledRenderer(render, fault, req);
  refusePromise(render, rendered, 'gave a promise');
  if (!isObject(rendered)) throw misrendered(render, `gave ${whatItIs(rendered)}`);
  const { type = render.type ?? 'application/json', headers = {}, body } = rendered;
  refusePromise(render, body, 'gave a body that is a promise');
  if (typeof type !== 'string' || !/^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+\s*(?:;[\x20-\x7e]*)?$/.test(type)) {
    throw misrendered(render, `gave a type that is no media type: ${whatItIs(type)}`);
  }
  if (!isObject(headers)) throw misrendered(render, `gave headers that are ${whatItIs(headers)}`);
  const text = typeof body === 'string' ? body : ignoreErrors(() => JSON.stringify(body) as string | undefined);
  if (text === undefined) throw misrendered(render, `gave a body that JSON cannot say: ${whatItIs(body)}`);
  return { type, headers: headers as OutgoingHttpHeaders, body: text };
}

function calledRenderer(render: FaultRenderer, fault: Fault, req: IncomingMessage): unknown {
  try {
    return render(fault, req);
  } catch (cause) {
    throw misrendered(render, `threw: ${errorText(cause)}`, cause);
  }
}

function refusePromise(render: FaultRenderer, value: unknown, what: string): void {
  if (!isThenable(value)) return;
  // A rejection without a handler must not end the process.
  Promise.resolve(value).catch(() => {});
  throw misrendered(render, what);
}

function misrendered(render: FaultRenderer, what: string, cause?: unknown): PorticoError {
  return new PorticoError('PORTICO_FAULT_RENDERER', {
    message: `the fault renderer ${render.name || '(anonymous)'} ${what}`,
    hint: 'It must return { type, body }, not a promise: type is a media type, body is a string or a value for JSON.',
    cause,
  });
}

/** The message that the client sees. */
const told = ({ safe, message, title }: Fault): string => (safe ? message : title);

const PORTICO_TYPES = ['application/json', 'application/problem+json'] as const;

const renderPortico: FaultRenderer = (fault, req) => {
  const { status, title, issues } = fault;
  const message = told(fault);
  const requestId = environ(req).requestId;
  const id = requestId === undefined ? {} : { request_id: requestId };
  const type = preferredType(req, PORTICO_TYPES);
  // RFC 9110 §12.5.5: a cache must not send this form to a client that prefers another.
  const headers = { vary: 'Accept' };
  if (type === 'application/json') {
    const listed = issues.length === 0 ? {} : { issues: issues.map(sentIssue) };
    return { type, headers, body: { error: { code: status, title, message, ...listed, ...id } } };
  }
  if (type === 'application/problem+json') return { ...renderProblem(fault, req), headers };
  const lines = [`${status} ${title}`, ...(message === title ? [] : [message]), ...(requestId ? [requestId] : [])];
  return { type: 'text/plain; charset=utf-8', headers, body: `${lines.join('\n')}\n` };
};

const renderProblem: FaultRenderer = (fault, req) => {
  const { status, title, type = 'about:blank', issues } = fault;
  const { requestId, originalUrl } = environ(req);
  // Without the query, which may contain secrets.
  const [instance = ''] = originalUrl.split('?', 1);
  return {
    type: 'application/problem+json',
    body: {
      type,
      title,
      status,
      detail: told(fault),
      ...(instance.startsWith('/') ? { instance } : {}),
      ...(issues.length === 0 ? {} : { errors: issues.map(problemError) }),
      ...(requestId === undefined ? {} : { request_id: requestId }),
    },
  };
};

/** Without the value: a client has it, and a log of responses must not. */
function sentIssue({ where, path, message, keyword }: FaultIssue): object {
  return { where, path, message, keyword };
}

/** Follows the example of RFC 9457 §3; parts without a JSON Pointer have the name of the parameter. */
function problemError({ where, path, message, keyword }: FaultIssue): object {
  const name = path.join('.');
  const escaped = path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`);
  const place =
    where === 'body'
      ? { pointer: `#${escaped.map((step) => encodeURI(step)).join('')}` }
      : name === ''
        ? {}
        : { [where === 'headers' ? 'header' : 'parameter']: name };
  return { detail: message, ...place, keyword };
}

/** Names that nova gives its faults; clients read them. */
const OPENSTACK_NAMES: ReadonlyMap<number, string> = new Map([
  [400, 'badRequest'],
  [401, 'unauthorized'],
  [403, 'forbidden'],
  [404, 'itemNotFound'],
  [405, 'badMethod'],
  [409, 'conflictingRequest'],
  [413, 'overLimit'],
  [415, 'badMediaType'],
  [429, 'overLimit'],
  [501, 'notImplemented'],
  [503, 'serviceUnavailable'],
]);

const renderOpenstack: FaultRenderer = (fault) => {
  const name = OPENSTACK_NAMES.get(fault.status) ?? 'computeFault';
  const retryAfter = usableHeaders(fault.headers).find(([header]) => header.toLowerCase() === 'retry-after')?.[1];
  const retry = name === 'overLimit' && retryAfter !== undefined ? { retryAfter: String(retryAfter) } : {};
  return { body: { [name]: { code: fault.status, message: told(fault), ...retry } } };
};

const RENDERERS: Readonly<Record<FaultStyleName, FaultRenderer>> = {
  portico: renderPortico,
  openstack: renderOpenstack,
  problem: renderProblem,
};

/** Returns the form with the given settings; missing ones come from `rest`. */
export function faultFormFrom(
  { faultStyle, invalidInputStatus }: WrittenForm,
  rest: FaultForm = PORTICO_FORM,
): FaultForm {
  return {
    style: faultStyle ?? rest.style,
    invalidInputStatus: invalidInputStatus ?? rest.invalidInputStatus,
  };
}

// Content negotiation, RFC 9110 §12.5.1.

/**
 * Returns the media type among `types` that the client prefers; undefined if it accepts none of them.
 *
 * Equally preferred types are ordered as in its `Accept` header. Without the header, or if it accepts everything, the first of `types`
 * is returned.
 */
export function preferredType<T extends string>(req: IncomingMessage, types: readonly T[]): T | undefined {
  const exchange = exchangeOf(req);
  // Without a look at the headers, which Node would make.
  if ((exchange.fieldKinds & FIELD.ACCEPT) === 0) return types[0];
  const { accept } = readHeaders(exchange);
  if (accept === undefined || accept === '*/*' || accept.trim() === '') return types[0];
  // A single type, as API clients send it, needs no parser.
  if (types.includes(accept as T)) return accept as T;
  return new Negotiator(req).mediaType(types) as T | undefined;
}

/**
 * Returns the content coding among `encodings` that the client prefers, else `identity`. Equally preferred ones are ordered as in
 * `encodings`.
 */
export function preferredEncoding<T extends string>(req: IncomingMessage, encodings: readonly T[]): T | 'identity' {
  if (req.headers['accept-encoding'] === undefined) return 'identity';
  // The second argument, the server's preference, exists since 1.0 and is missing in the types.
  const negotiator = new Negotiator(req) as unknown as {
    encodings(available: readonly string[], options: { preferred: readonly string[] }): string[];
  };
  return (negotiator.encodings([...encodings, 'identity'], { preferred: encodings })[0] as T | undefined) ?? 'identity';
}

/**
 * Returns the fault format of an API, or without `api` of the application, and imports the module that the configuration names. Throws
 * `PORTICO_FAULT_STYLE`, with the location of the option, if the module cannot be imported or exports no function, or an async one.
 */
export async function configuredFaultForm(config: Config, api?: string): Promise<FaultForm> {
  const all = config.group('DEFAULT', faultOptions, { partial: true });
  const own = api === undefined ? undefined : config.api(api, apiFaultOptions, { partial: true });
  const name = own?.faultStyle ?? all.faultStyle;
  const { invalidInputStatus } = all;
  if (name === PORTICO_FORM.style && invalidInputStatus === PORTICO_FORM.invalidInputStatus) return PORTICO_FORM;
  const group = own?.faultStyle === undefined ? 'DEFAULT' : `api:${api}`;
  const { origin } = config.getLocation(group, 'fault_style');
  return { style: await namedFaultStyle(name, config, origin), invalidInputStatus };
}

/** Reports whether the configuration sets this style for an API, or without `api` for all. */
export function isFaultStyle(name: FaultStyleName, config: Config, api?: string): boolean {
  const own = api === undefined ? undefined : config.api(api, apiFaultOptions, { partial: true }).faultStyle;
  return (own ?? config.group('DEFAULT', faultOptions, { partial: true }).faultStyle) === name;
}

/** Returns the style of that name. A module path is relative to the folder of the file that names it. */
async function namedFaultStyle(name: string, config: Config, origin: Origin | undefined): Promise<FaultStyle> {
  if (isStyleName(name)) return name;
  let render: unknown;
  try {
    render = await importModuleExport(name, besideOption(config, origin));
  } catch (cause) {
    const { message, hint } = cause as PorticoError;
    throw new ConfigurationRefused('PORTICO_FAULT_STYLE', { message, hint, origin, cause });
  }
  if (typeof render === 'function' && !isAsync(render)) return render as FaultStyle;
  throw new ConfigurationRefused('PORTICO_FAULT_STYLE', {
    message: isAsync(render) ? `${name} is an async function` : `${name} is ${whatItIs(render)}, not a function`,
    hint: RENDERER_HINT,
    origin,
  });
}
