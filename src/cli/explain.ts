/**
 * `api-cli explain`: what would happen to a request, before it is sent. No filter is made and nothing runs; the app that it
 * comes to is made, for its routes, and let go of.
 */
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Command } from 'commander';
import type { ContextTree } from '../loader/index.js';
import {
  describeNode,
  type ExplainApp,
  type ExplainedStep,
  type Explanation,
  explainRequest,
  type ImaginedRequest,
} from '../loader/internal.js';
import type { ExplainedRoute } from '../routing/internal.js';
import type { Refusal } from '../server/internal.js';
import { routersOf } from './api-routers.js';
import { addConfigurationOptions } from './command-line.js';
import { explainRouter, stepOf } from './explain-router.js';
import { type NamedAppArguments, namedApp } from './named-app.js';
import { placeText, print } from './output.js';
import { addRequestArguments, admitted, type NamedRequest, namedRequest } from './request-arguments.js';
import { endSoon } from './run-main.js';

interface ExplainArguments extends NamedAppArguments {
  readonly header?: readonly string[];
  readonly json?: boolean;
}

export function register(program: Command): void {
  const command = addRequestArguments(program.command('explain'))
    .description(
      'tell what would happen to a request: mounts, filters in order, the route or why there is none, the action',
    )
    .option('--json', 'print one JSON document')
    .addHelpText('after', "\nExample:\n  api-cli explain GET /v2.1/servers -H 'X-Auth-Token: t'");
  addConfigurationOptions(command).action(async (method: string, url: string, args: ExplainArguments) => {
    const request = namedRequest(method, url, args.header);
    const document = await explain(request, args);
    print(args, document, () => [`${request.method} ${document.request.url}`, ...document.steps.map(line)].join('\n'));
    endSoon(0);
  });
}

/** What is printed with `--json`. */
interface ExplainDocument {
  readonly schema: 'portico/explain';
  readonly version: 1;
  readonly request: ImaginedRequest | NamedRequest;
  readonly steps: readonly ExplainedStep[];
  /** Null: the app answers, as it decides. */
  readonly status: number | null;
  readonly route: ExplainedRoute['route'];
  readonly match: ExplainedRoute['match'];
  readonly action: ExplainedRoute['action'];
  /** Of a 405: the methods that the path takes. */
  readonly allow: readonly string[] | null;
  /** Of a 404: the route that was perhaps meant. */
  readonly nearest: ExplainedRoute['route'];
}

async function explain(request: NamedRequest, args: ExplainArguments): Promise<ExplainDocument> {
  const { loader, config, app } = await namedApp(request, args);
  let last: ExplainedRoute | undefined;
  let acts = false;
  const explainApp: ExplainApp = async (node, req) => {
    const said = describeNode(node, config, req);
    if (said !== undefined) return { steps: [stepOf(node, req, 'app', said.does)], answer: 'decided' };
    const routers = await routersOf(loader, node);
    const [router] = routers;
    if (router === undefined || routers.length > 1) {
      const text = node.type === 'composite' ? 'answers, or chooses an app by rules of its own' : 'answers';
      return { steps: [stepOf(node, req, 'app', text)], answer: undefined };
    }
    const within = explainRouter(router, node, req);
    // Behind an action a cascade may go on: the first is the one to be named.
    if (!acts) last = within.route;
    acts ||= within.answer === 'decided';
    const text = `a Router of ${router.routes.length} routes`;
    return { steps: [stepOf(node, req, 'app', text), ...within.steps], answer: within.answer };
  };
  const tree = await loader.tree(app);
  const describe = (filter: ContextTree, req: IncomingMessage) => describeNode(filter, config, req);
  const taken = admitted(request);
  const isRefused = 'status' in taken;
  const { steps, answer } = isRefused
    ? refused(request, taken)
    : await explainRequest(tree, taken, { describe, explainApp });
  return {
    schema: 'portico/explain',
    version: 1,
    request: isRefused ? request : taken,
    steps,
    status: typeof answer === 'number' ? answer : null,
    route: last?.route ?? null,
    match: last?.match ?? null,
    action: last?.action ?? null,
    allow: last?.answer?.allow ?? null,
    nearest: last?.answer?.nearest ?? null,
  };
}

/** What the server says of a path before any filter sees it. */
function refused({ url }: NamedRequest, { status, reason }: Refusal): Explanation {
  const text = `${status} ${STATUS_CODES[status]}: ${reason}`;
  return {
    steps: [{ what: 'answer', name: 'the server', origin: undefined, text, scriptName: '', url }],
    answer: status,
  };
}

function line({ what, name, factory, origin, text, scriptName, url }: ExplainedStep): string {
  const made = factory === undefined ? '' : `  ${factory}`;
  const path = what === 'app' || what === 'composite' ? `  [script name "${scriptName}", path "${url}"]` : '';
  return `  ${what} ${name}: ${text}${path}${made}${origin === undefined ? '' : `  ${placeText(origin)}`}`;
}
