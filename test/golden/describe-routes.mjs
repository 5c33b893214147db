#!/usr/bin/env node
// Reads definitions of route tables as JSON from standard input, and prints the router's results for their probes. The input is one
// document with one definition, or one definition per line; each gets one line of output.
import { readFileSync } from 'node:fs';
import { Mapper } from 'portico/routing';
import { decodePath, overriddenMethod } from '#internal/app';
import { GenerationError, Route } from '#internal/routing';
import { dispatch } from './routes-middleware.mjs';

const CONDITIONS = {
  $allow: () => true,
  $deny: () => false,
  $tag: (_request, match) => {
    match.tagged = 'yes';
    return true;
  },
  $xhr: (request) => request?.headers?.['x-requested-with'] === 'XMLHttpRequest',
};

const camel = (name) => name.replace(/(?<=.)_([a-z])/g, (_, letter) => letter.toUpperCase());
const RENAMED = new Set(
  `path_prefix name_prefix parent_resource member_name collection_name resource_name member_prefix collection_actions
  member_actions member_options _member_name _collection_name _parent_resource _redirect_code`.split(/\s+/),
);

/** Converts keyword arguments to the names of this package. */
function options(kwargs = {}) {
  const renamed = Object.create(null);
  for (const [key, value] of Object.entries(kwargs)) {
    renamed[RENAMED.has(key) ? camel(key) : key] = RENAMED.has(key) && isTable(value) ? options(value) : value;
  }
  if (renamed.conditions) renamed.conditions = conditions(renamed.conditions);
  return renamed;
}

function conditions({ function: name, ...rest }) {
  const renamed = Object.entries(rest).map(([key, value]) => [camel(key), value]);
  return { ...Object.fromEntries(renamed), ...(name === undefined ? {} : { function: CONDITIONS[name] }) };
}

const isTable = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Positional arguments of link and action after the first, as members of one object. */
const AFTER_REL = ['name', 'action', 'method', 'formatted'];
const POSITIONAL = { link: ['rel', ...AFTER_REL], action: AFTER_REL };

function define({ mapper, calls = [] }) {
  const table = new Mapper(Object.fromEntries(Object.entries(mapper).map(([key, value]) => [camel(key), value])));
  const named = new Map();
  for (const { op, args = [], kwargs, on, as, routes } of calls) {
    const [first, ...path] = on === undefined ? [] : on.split('.');
    const target = path.reduce((parent, member) => parent[member], first === undefined ? table : named.get(first));
    const result = call(target, op, args, options(kwargs), routes);
    if (as !== undefined) named.set(as, result);
  }
  table.compile();
  return table;
}

function call(target, op, args, kwargs, routes) {
  if (op === 'extend') {
    const made = routes.map(({ name, path, kwargs: given }) => new Route(name, path, options(given)));
    return target.extend(made, kwargs.pathPrefix ?? args[0]);
  }
  if (op === 'create_route') return target.createRoute(...args);
  if (['connect', 'resource', 'redirect', 'submapper', 'collection'].includes(op)) {
    if (typeof target[op] !== 'function') throw new TypeError(`no ${op} here`);
    return target[op](...args, kwargs);
  }
  const placed = (POSITIONAL[op] ?? ['name']).slice(0, args.length).map((key, place) => [key, args[place]]);
  return target[op]({ ...Object.fromEntries(placed), ...kwargs });
}

const lower = (headers = {}) => Object.fromEntries(Object.entries(headers).map(([k, v]) => [k.toLowerCase(), v]));

const PROBES = {
  match(table, { path, method, host, headers }) {
    const request = method === undefined ? null : { method, host: host ?? 'localhost', headers: lower(headers) };
    const found = table.routeMatch(path, request);
    return found === null ? { match: null } : { match: { ...found.match }, route: found.compiled.index };
  },
  request(table, probe, { use_method_override: override = true }) {
    const { target, method, script_name: scriptName = '', host = 'localhost', form } = probe;
    const headers = lower(probe.headers);
    const [raw, ...rest] = target.split('?');
    const contentType = headers['content-type'] ?? (form === undefined ? '' : 'application/x-www-form-urlencoded');
    const source = { method, query: rest.join('?'), contentType, form };
    const matched = { method: override ? overriddenMethod(source) : method, host, headers };
    const result = dispatch(table, decodePath(raw), matched, { scriptName, ...surroundings(probe) });
    return result.status === 200 ? { ...result, method } : result;
  },
  generate(table, { kwargs = {}, script_name: scriptName = '' }) {
    return { url: table.generate(kwargs, scriptName) };
  },
  url(table, probe) {
    const { args = [], kwargs = {}, current = false, routing_args: match } = probe;
    const around = { scriptName: probe.script_name ?? '', match, ...surroundings(probe) };
    try {
      return { url: table.urls[current ? 'current' : 'url'](args[0] ?? null, kwargs, around) };
    } catch (error) {
      if (!(error instanceof GenerationError)) throw error;
      return { url: null, error: 'generation' };
    }
  },
  routes(table) {
    const text = (value) => value ?? null;
    return {
      routes: table.routes.map(({ name, template, conditions: wanted, defaults }) => ({
        name,
        path: template,
        methods: wanted?.method === undefined ? null : [wanted.method].flat(),
        controller: text(defaults.get('controller')),
        action: text(defaults.get('action')),
      })),
    };
  },
};

/** Returns host and scheme as a server sees them without resolving proxy headers. */
function surroundings({ host = 'localhost', scheme = 'http', headers }) {
  const { 'x-forwarded-proto': proto = '', 'x-forwarded-host': forwarded } = lower(headers);
  const secure = scheme === 'https' || proto.split(', ').includes('https');
  return { host: forwarded ? forwarded.split(', ', 1)[0] : host, scheme: secure ? 'https' : 'http' };
}

function answer({ id, mapper = {}, calls, probes }) {
  let table;
  try {
    table = define({ mapper, calls });
  } catch {
    return { id, definition_error: true };
  }
  return { id, results: probes.map((probe) => PROBES[probe.kind](table, probe, mapper)) };
}

const input = readFileSync(0, 'utf8').trim();
for (const document of isDocument(input) ? [input] : input.split('\n')) {
  if (document.trim() !== '') console.log(JSON.stringify(answer(JSON.parse(document))));
}

function isDocument(text) {
  try {
    return Boolean(JSON.parse(text));
  } catch {
    return false;
  }
}
