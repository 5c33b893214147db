#!/usr/bin/env node
// Describes what the Loader makes of a paste file, as JSON: the tree of contexts, the created objects and the order of the calls; or,
// with requests, the apps that they reach. Factories are recording stand-ins from an invented installation, the file that
// PORTICO_PASTE_WORLD names.
//
//   describe-paste.mjs FILE KIND [NAME] [--global-conf JSON] [--dispatch JSON]
//   describe-paste.mjs --batch          one query per line on standard input, one result per line
import { readFileSync } from 'node:fs';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { environ, Fault, requestPath } from 'portico/app';
import { cascade, Loader, urlmap, versionedUrlmap } from 'portico/loader';
import { PasteError, pipelineNamed } from '#internal/loader';

const world = JSON.parse(readFileSync(process.env.PORTICO_PASTE_WORLD, 'utf8'));

// --------------------------------------------------------------- the world

const refuse = (problem, message, origin) =>
  new PasteError(`PORTICO_PASTE_${problem.toUpperCase().replaceAll('-', '_')}`, { message, origin });

/** Python identifiers with dots between them, by Python's \w and \s. */
const MODULE = /^[\p{XID_Start}_]\p{XID_Continue}*(\.[\p{XID_Start}_]\p{XID_Continue}*)*$/u;
const NAME = /^[\p{L}\p{N}_]+$/u;
const SPACES = String.raw`(?:[^\S\ufeff]|[\x1c-\x1f\x85])*`;
const ENTRY_POINT = new RegExp(
  String.raw`^([\p{L}\p{N}_.]+)${SPACES}(?::${SPACES}([\p{L}\p{N}_.]+)${SPACES})?(?:\[[^\n]*\]${SPACES})?$`,
  'u',
);

function checkModule(module, origin) {
  const missing = !MODULE.test(module) || world.missing_modules.includes(module.split('.')[0]);
  if (missing) throw refuse('no-module', `no module is called ${JSON.stringify(module)}`, origin);
}

/** Accepts what Python's entry points and `call:` accept, and throws PasteDeploy's errors for the rest. */
function resolverFor(recorder) {
  return {
    expression(text, kind, origin) {
      if (kind === 'call') {
        const parts = text.split(':');
        if (parts.length < 2) throw refuse('bad-call-spec', `${text} is not of the form module:function`, origin);
        if (parts.length > 2) throw refuse('bad-value', `${text} has more than one colon`, origin);
        const [module, name] = parts;
        if (module === '') throw refuse('bad-value', 'an empty module name', origin);
        checkModule(module, origin);
        if (name !== '' && !NAME.test(name)) {
          throw refuse('bad-factory-expression', `module ${module} has no attribute ${JSON.stringify(name)}`, origin);
        }
        return name === '' ? { module } : recorder.factory(`call:${text}`, text);
      }
      const match = ENTRY_POINT.exec(text);
      if (match === null) throw refuse('bad-factory-expression', `${JSON.stringify(text)} is no factory`, origin);
      checkModule(match[1], origin);
      return match[2] === undefined ? { module: match[1] } : recorder.factory(text, `${match[1]}:${match[2]}`);
    },
    distribution(name, origin) {
      const normal = (text) => text.toLowerCase().replace(/[-_.]+/g, '-');
      const found = Object.keys(world.distributions).find((known) => normal(known) === normal(name));
      if (found === undefined) throw refuse('no-package', `no distribution is called ${JSON.stringify(name)}`, origin);
      const groups = new Map();
      for (const [group, entries] of Object.entries(world.distributions[found])) {
        const factories = Object.entries(entries).map(([entry, target]) => [
          entry,
          recorder.factory(`egg:${name}#${entry}`, target),
        ]);
        groups.set(group, new Map(factories));
      }
      return groups;
    },
  };
}

// --------------------------------------------------------------- stand-ins

const DESCRIPTION = Symbol('what was created');

class Recorder {
  calls = [];
  visited = [];

  /** Returns a recording factory. Its arguments show the protocol by which it is called. */
  factory(written, target) {
    const composite = Object.hasOwn(world.composites, target) ? world.composites[target] : { kind: 'opaque' };
    return (...given) => {
      const ctx = given.at(-1);
      const localConf = given.at(-2);
      const conf = Object.fromEntries(localConf);
      const first = given[0];
      if (given.length === 4 && typeof first === 'function') return this.applied(written, conf, first);
      if (given.length === 4) return this.composite(written, composite, given, ctx);
      const kind = this.kindOf(ctx.section.kind);
      this.calls.push(`${kind} ${written}`);
      if (kind === 'app') return this.app(written, conf, localConf.get('status'));
      if (kind === 'server')
        return Object.assign(() => undefined, { [DESCRIPTION]: { server: written, local_conf: conf } });
      const filter = (app) => this.applied(written, conf, app);
      return Object.assign(filter, { [DESCRIPTION]: { filter: written, local_conf: conf } });
    };
  }

  /** Returns the kind of a factory that is called with the configuration alone. A filter-app has a filter's factory. */
  kindOf(section) {
    if (section === 'server') return 'server';
    return section === 'filter' || section === 'filter-app' ? 'filter' : 'app';
  }

  app(written, conf, status) {
    const app = (req, res) => {
      const env = environ(req);
      const visit = {
        app: written,
        script_name: decode(env.scriptName),
        path_info: requestPath(req).slice(decode(env.scriptName).length),
      };
      if (env.bestContentType !== undefined) visit.best_content_type = env.bestContentType;
      this.visited.push(visit);
      res.statusCode = Number((status ?? '200').split(/\s+/)[0]);
      res.end();
    };
    return Object.assign(app, { [DESCRIPTION]: { app: written, local_conf: conf } });
  }

  applied(written, conf, app) {
    this.calls.push(`applied ${written}`);
    const wrapped = (req, res) => app(req, res);
    return Object.assign(wrapped, { [DESCRIPTION]: { filter: written, local_conf: conf, to: described(app) } });
  }

  async composite(written, { kind, setting, prefix }, [loader, globalConf, localConf, ctx]) {
    this.calls.push(`composite ${written}`);
    const children = [];
    const asks = (get) => async (name, conf) => {
      const made = await loader[get === 'app' ? 'getApp' : 'getFilter'](name, conf);
      children.push({ get, name, made });
      return made;
    };
    const recording = { getApp: asks('app'), getFilter: asks('filter') };
    const index = (app) => children.findIndex(({ made }) => made === app);
    const finish = (app, more) => {
      const objects = children.map(({ get, name, made }) => ({ get, name, object: described(made) }));
      return Object.assign(app, { [DESCRIPTION]: { composite: written, kind, children: objects, ...more } });
    };
    if (kind === 'urlmap' || kind === 'nova-urlmap') {
      const app = await (kind === 'urlmap' ? urlmap : versionedUrlmap)(recording, globalConf, localConf, ctx);
      const mounts = app.mounts.map(({ domain, path, app: mounted }) => ({ domain, path, child: index(mounted) }));
      return finish(app, { mounts, not_found: app.notFound === undefined ? null : index(app.notFound) });
    }
    if (kind === 'cascade') {
      const app = await cascade(recording, globalConf, localConf, ctx);
      return finish(app, { order: app.apps.map(index), catch: app.catches });
    }
    if (kind === 'pipeline-by-setting') {
      const app = await pipelineNamed(setting, recording, localConf, ctx);
      return finish((req, res) => app(req, res), { gives: described(app) });
    }
    for (const [name, value] of localConf) {
      if (kind === 'prefixed-apps' && name.startsWith(prefix)) await recording.getApp(value, globalConf);
    }
    return finish((_req, res) => res.end(), {});
  }
}

/** Returns a description of the created object, as data. */
function described(made) {
  if (made[DESCRIPTION] !== undefined) return made[DESCRIPTION];
  if (made.outer !== undefined) return { composed: { outer: described(made.outer), inner: described(made.inner) } };
  return { filter: made.factory, local_conf: Object.fromEntries(made.localConf) };
}

// ------------------------------------------------------------- the results

function contextJson(node) {
  const json = {
    type: node.type,
    protocol: node.protocol,
    ...(node.factory === undefined ? {} : { factory: node.factory }),
    loader: node.loader,
    global_conf: Object.fromEntries(node.globalConf),
    local_conf: Object.fromEntries(node.localConf),
  };
  if (node.type === 'pipeline')
    Object.assign(json, { filters: node.filters.map(contextJson), app: contextJson(node.app) });
  if (node.filter !== undefined)
    Object.assign(json, { filter: contextJson(node.filter), next: contextJson(node.next) });
  if (node.type === 'composite') {
    json.children = node.children.map(({ get, name, context }) => ({ get, name, context: contextJson(context) }));
  }
  return json;
}

/** Replaces `?` in paths, because in a request target it begins the query. */
const QUESTION = '\uf8ff';
const encode = (path) => path.replaceAll('?', QUESTION);
const decode = (path) => path.replaceAll(QUESTION, '?');

class Answer extends ServerResponse {
  answered = new Promise((resolve) => {
    this.settle = resolve;
  });

  end() {
    this.settle(this.statusCode);
    return this;
  }
}

async function dispatch(app, recorder, { path, method = 'GET', host = 'localhost', scheme = 'http', ...rest }) {
  const socket = Object.assign(new Socket(), { encrypted: scheme === 'https' });
  const req = Object.assign(new IncomingMessage(socket), { url: encode(path), method });
  req.headers = { host };
  if (rest.accept !== undefined) req.headers.accept = rest.accept;
  if (rest.content_type !== undefined) req.headers['content-type'] = rest.content_type;
  environ(req).scriptName = encode(rest.script_name ?? '');
  const res = new Answer(req);
  recorder.visited = [];
  try {
    const status = await new Promise((resolve, reject) => {
      void res.answered.then(resolve);
      Promise.resolve(app(req, res)).catch(reject);
    });
    return { visited: recorder.visited, status };
  } catch (error) {
    if (error instanceof Fault && error.status !== 400) return { visited: recorder.visited, status: error.status };
    const empty = error.code === 'PORTICO_CASCADE_EMPTY';
    return {
      visited: recorder.visited,
      error: error instanceof Fault ? 'AssertionError' : empty ? 'IndexError' : error.name,
    };
  }
}

/** The reference's exceptions for Portico's codes. */
const CLASSES = {
  'no-file': 'FileNotFoundError',
  'is-a-directory': 'IsADirectoryError',
  'not-utf8': 'UnicodeDecodeError',
  'no-section-header': 'MissingSectionHeaderError',
  'bad-line': 'ParsingError',
  'duplicate-section': 'DuplicateSectionError',
  'duplicate-option': 'DuplicateOptionError',
  'interpolation-missing': 'InterpolationMissingOptionError',
  'interpolation-syntax': 'InterpolationSyntaxError',
  'interpolation-depth': 'InterpolationDepthError',
  'bad-relative-uri': 'ValueError',
  cycle: 'RecursionError',
  'empty-pipeline': 'IndexError',
  'missing-key': 'KeyError',
  'bad-factory-expression': 'AttributeError',
  'no-module': 'ModuleNotFoundError',
  'no-package': 'PackageNotFoundError',
  'unknown-protocol': 'AssertionError',
  'bad-type': 'TypeError',
  'bad-value': 'ValueError',
  'bad-mount': 'AssertionError',
};

function failure(error, phase) {
  if (!(error instanceof PasteError)) throw error;
  const code = error.code.replace('PORTICO_PASTE_', '').toLowerCase().replaceAll('_', '-');
  const lines = error.lines ?? (error.origin === undefined ? undefined : [error.origin.line]);
  return {
    ok: false,
    phase,
    error: {
      class: CLASSES[code] ?? 'LookupError',
      code,
      message: error.describe(),
      ...(lines === undefined ? {} : { lines }),
    },
  };
}

async function describe({ file, kind, name, global_conf: globalConf, requests }) {
  const recorder = new Recorder();
  let loaded;
  try {
    const loader = new Loader(file, { globalConf, resolve: resolverFor(recorder) });
    loaded = await loader.load(kind, name);
  } catch (error) {
    return failure(error, 'load');
  }
  let created;
  try {
    created = await loaded.create();
  } catch (error) {
    return failure(error, 'create');
  }
  if (requests !== undefined) {
    const answers = [];
    for (const request of requests) answers.push(await dispatch(created, recorder, request));
    return { ok: true, dispatch: answers };
  }
  const object = described(created);
  const made =
    kind === 'server' && object.filter !== undefined
      ? { server: object.filter, local_conf: object.local_conf }
      : object;
  return { ok: true, context: contextJson(loaded.tree()), object: made, calls: recorder.calls };
}

// ------------------------------------------------------------- the command

function queryOf(args) {
  const words = [];
  const query = {};
  for (let at = 0; at < args.length; at++) {
    if (args[at] === '--global-conf') query.global_conf = JSON.parse(args[++at]);
    else if (args[at] === '--dispatch') query.requests = JSON.parse(args[++at]);
    else words.push(args[at]);
  }
  const [file, kind, name] = words;
  return { ...query, file, kind, name };
}

/** Prints JSON on one line in ASCII, because readers may end lines at other characters than LF. */
function print(answer) {
  const json = JSON.stringify(answer);
  const ascii = json.replace(/[^ -~]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
  process.stdout.write(`${ascii}\n`);
}

/** Splits lines at LF only, unlike readline, which also splits at U+2028. */
async function* linesOf(input) {
  let rest = '';
  for await (const chunk of input.setEncoding('utf8')) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    yield* lines;
  }
  if (rest !== '') yield rest;
}

const args = process.argv.slice(2);
if (args[0] === '--batch') {
  for await (const line of linesOf(process.stdin)) print(await describe(JSON.parse(line)));
} else {
  print(await describe(queryOf(args)));
}
