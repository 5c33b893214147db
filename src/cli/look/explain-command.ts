/**
 * `api-cli explain`: runs a request through the composed app, and shows each part that it enters, up to the action, which is not called.
 */
import { STATUS_CODES } from 'node:http';
import type { Command } from 'commander';
import type { TrialStep } from '../../app/internal.js';
import type { Origin } from '../../errors/index.js';
import { describeStep } from '../../routing/internal.js';
import type { TriedAnswer } from '../../server/internal.js';
import { example, placeText, print } from '../command.js';
import { addConfigurationOptions } from '../command-line.js';
import { methodText, pluginText } from '../validate/api-routers.js';
import {
  addRequestArguments,
  type NamedRequest,
  namedApp,
  namedRequest,
  type RequestArguments,
} from './named-request.js';
import { issueText, trialApp } from './trial.js';

export function register(program: Command): void {
  const command = addRequestArguments(program.command('explain'))
    .description(
      'run a request up to its action, which is not called: mounts, filters, route, the verdict of the schema',
    )
    .option('--json', 'print one JSON document')
    .addHelpText('after', example("api-cli explain POST /v2.1/servers -H 'X-Auth-Token: t' -d '{}'"));
  addConfigurationOptions(command).action(async (method: string, url: string, args: RequestArguments) => {
    const request = namedRequest(method, url, args);
    const { loader, app, limits } = await namedApp(request, args);
    // A request can be tried before anything of the file is moved.
    const tried = await trialApp(loader, app, limits, true);
    try {
      const document = explained(request, await tried.run(request));
      print(args, document, () => [`${request.method} ${request.url}`, ...document.steps.map(line)].join('\n'));
    } finally {
      await tried.close();
    }
  });
}

/** One step of a request. */
interface ExplainedStep {
  readonly what: string;
  readonly name: string;
  readonly factory?: string | undefined;
  readonly origin: Origin | undefined;
  /** The effect of the part on the request. */
  readonly text: string;
  /** The status, if this part responds. */
  readonly answers?: number | undefined;
  /** The consumed part of the path, and the rest, where the request enters it. */
  readonly scriptName: string;
  readonly url: string;
}

/** Document of `--json`. */
function explained({ method, url, secure, headers }: NamedRequest, answer: TriedAnswer) {
  const { trial, status, end, version, refusal } = answer;
  const described = trial.steps.flatMap((step) => describeStep(step) ?? []);
  const last = described.at(-1);
  const { fault } = trial;
  const isInput = end === undefined && fault?.kind === 'input' && fault.status === status;
  return {
    schema: 'portico/explain',
    version: 2,
    request: { method, url, secure, headers },
    steps: refusal === undefined ? stepsOf(answer) : [serverStep(url, answer)],
    // Null: the action decides, or an app that is not called.
    status: end === undefined ? (status ?? null) : null,
    // Of routers that are mounted in others, the innermost.
    route: last?.route ?? null,
    match: last?.match ?? null,
    apiVersion: version ?? null,
    action: end?.what === 'action' ? end.name : null,
    // The plugin that responds: its route, or null for its not-found handler.
    plugin: last?.plugin ?? null,
    // For a 405: the methods of the path.
    allow: last?.allow ?? null,
    // For a 404: the route that was perhaps intended.
    nearest: last?.nearest ?? null,
    // Null: the request did not reach the schemas of an action.
    valid: end?.what === 'action' ? true : isInput ? false : null,
    issues: isInput ? fault.issues : [],
  };
}

/** The server's refusal of a request, before any filter. */
function serverStep(url: string, { status, refusal }: TriedAnswer): ExplainedStep {
  const text = `${statusText(status)}: ${refusal!.reason}`;
  return { what: 'response', name: 'the server', origin: undefined, text, answers: status, scriptName: '', url };
}

function stepsOf(answer: TriedAnswer): ExplainedStep[] {
  const { trial, status, end, version } = answer;
  const { steps } = trial;
  let app: string | undefined;
  const shown = steps.map((step, at) => {
    if (step.node.what === 'app') app = step.node.name;
    return shownStep(step, steps[at + 1], { app, version });
  });
  const [step, last] = [steps.at(-1), shown.at(-1)];
  if (step === undefined || last === undefined) return shown;
  if (trial.end !== undefined) {
    const called = trial.end.what === 'action' ? 'would be called: the request is valid' : 'would be called';
    const text = end === undefined ? `${called}; a filter behind it fails with ${answerText(answer)}` : called;
    return [...shown.slice(0, -1), { ...last, text: joined(last.text, text) }];
  }
  const { what } = step.node;
  // A map, an app or a route without an earlier filter: the response is that of the app.
  if (what !== 'filter' && what !== 'action' && what !== 'response') {
    const { scriptName, url } = last;
    const name = app ?? last.name;
    const response = { what: 'response', name, origin: undefined, text: answerText(answer), answers: status };
    return [...shown, { ...response, scriptName, url }];
  }
  const told = what === 'response' ? last.text : '';
  const text = what === 'response' ? `${statusText(status)}: ${told || reasonOf(answer)}` : answersText(what, answer);
  const whole = what === 'response' ? text.replace(/: $/, '') : joined(last.text, text);
  return [...shown.slice(0, -1), { ...last, text: whole, answers: status }];
}

function answersText(what: string, answer: TriedAnswer): string {
  return `${what === 'action' ? 'is not called: ' : ''}responds with ${answerText(answer)}`;
}

/** Returns the status of a response, and its reason. */
function answerText(answer: TriedAnswer): string {
  return `${statusText(answer.status)}${reasonOf(answer) && `: ${reasonOf(answer)}`}`;
}

/** Returns the message of the fault that was sent, with the errors of the schemas. */
function reasonOf({ trial: { fault }, status }: TriedAnswer): string {
  if (fault === undefined || fault.status !== status) return '';
  return [fault.message.replace(/\.$/, ''), ...fault.issues.map(issueText)].join('; ');
}

function statusText(status: number | undefined): string {
  return status === undefined ? 'no response' : `${status} ${STATUS_CODES[status] ?? ''}`.trimEnd();
}

/** The app that a request has entered before a step, and the version that applies. */
interface Met {
  readonly app: string | undefined;
  readonly version: string | undefined;
}

function shownStep(step: TrialStep, next: TrialStep | undefined, { app, version }: Met): ExplainedStep {
  const { node, notes, scriptName, url } = step;
  const { what, factory, origin } = node;
  const place = { scriptName, url };
  const described = describeStep(step);
  if (described === undefined) {
    const name = node.name === '' ? (app ?? '') : node.name;
    const said = what === 'filter' && movedBy(step, next);
    const text = [...notes, ...(said ? [said] : [])].join('; ');
    const passes = what === 'filter' && next !== undefined && text === '' ? 'passes the request on' : text;
    return { what, name, factory, origin, text: passes, ...place };
  }
  const { route, match, plugin, nearest, why } = described;
  if (plugin?.route) {
    const text = 'is a route of a plugin, because no route of the table matches';
    return { what, name: pluginText(plugin.route), origin, text, ...place };
  }
  if (plugin !== null)
    return { what, name: 'the not-found handler of a plugin', origin, text: 'no route matches', ...place };
  if (route === null) return { what, name: app ?? '', origin: nearest?.origin, text: why ?? '', ...place };
  const values = Object.entries(match!).filter(([name]) => name !== 'controller' && name !== 'action');
  const taken = values.map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
  const applies = version === undefined ? [] : [`version ${version}`];
  const text = [['is the first match', ...applies, ...taken].join(', '), ...notes].join('; ');
  return { what, name: `${methodText(route)} ${route.path}`, origin: route.origin, text, ...place };
}

/** Returns how a filter has changed the path. */
function movedBy({ scriptName, url }: TrialStep, next: TrialStep | undefined): string | false {
  if (next === undefined || (next.scriptName === scriptName && next.url === url)) return false;
  return `changes the path to "${next.url}", and the script name to "${next.scriptName}"`;
}

function joined(first: string, second: string): string {
  return first === '' ? second : `${first}; ${second}`;
}

function line({ what, name, factory, origin, text, scriptName, url }: ExplainedStep): string {
  const made = factory === undefined ? '' : `  ${factory}`;
  const path = what === 'app' || what === 'composite' ? `  [script name "${scriptName}", path "${url}"]` : '';
  const said = text === '' ? '' : `: ${text}`;
  return `  ${what} ${name}${said}${path}${made}${origin === undefined ? '' : `  ${placeText(origin)}`}`;
}
