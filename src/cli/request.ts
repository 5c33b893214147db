/**
 * `api-cli request`: one request through the composed app, without a port. The app is built as for serving, and closed.
 */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Command } from 'commander';
import { type App, faultStyleOf } from '../app/index.js';
import { pipelineProbes, runApp } from '../server/internal.js';
import { addConfigurationOptions } from './command-line.js';
import { configuredLogger } from './configuration.js';
import { type NamedAppArguments, namedApp } from './named-app.js';
import { columns, print } from './output.js';
import { type NamedRequest, namedRequest, repeated } from './request-arguments.js';
import { endSoon } from './run-main.js';

interface RequestArguments extends NamedAppArguments {
  readonly header?: readonly string[];
  readonly data?: string;
  readonly trace?: boolean;
  readonly json?: boolean;
}

export function register(program: Command): void {
  const command = program
    .command('request')
    .description('send one request through the composed app, without a port: status, headers and body of the answer')
    .argument('<method>', 'GET, POST, …')
    .argument('<url>', 'a path with its query, or a whole URL, whose port says which API')
    .option('--api <name>', 'an API, or an app of the paste file (default: the only one)')
    .option('--paste <file>', 'the paste file (default: the one the configuration names)')
    .option('-H, --header <header>', '"Name: value"; may repeat', repeated)
    .option('-d, --data <text>', 'the body; JSON, where no Content-Type says otherwise')
    .option('--trace', 'show the milliseconds in each filter, before what is inside it and after')
    .option('--json', 'print one JSON document')
    .addHelpText('after', "\nExample:\n  api-cli request GET /v2.1/servers -H 'X-Auth-Token: admin' --trace");
  addConfigurationOptions(command).action(async (method: string, url: string, args: RequestArguments) => {
    const { answer, times } = await sent(namedRequest(method, url, args.header), args);
    const trace = args.trace === true ? { trace: times } : {};
    print(args, { schema: 'portico/request', version: 1, ...answer, ...trace }, () =>
      [answerText(answer), ...(args.trace === true ? ['', ...traceLines(times)] : [])].join('\n'),
    );
    // Handles that the application forgot do not keep the answer from its reader.
    endSoon(0);
  });
}

/** What came back. */
interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
  readonly ms: number;
}

/** What a filter took by itself; `out` stays 0 where it answered. */
interface FilterTime {
  readonly pipeline: string;
  readonly filter: string;
  inMs: number;
  outMs: number;
}

async function sent(
  request: NamedRequest,
  args: RequestArguments,
): Promise<{ readonly answer: Answer; readonly times: readonly FilterTime[] }> {
  const { loader, config, log, app: name } = await namedApp(request, args, configuredLogger);
  const times: FilterTime[] = [];
  const aroundFilters = pipelineProbes((pipeline, filter) => {
    const time: FilterTime = { pipeline, filter, inMs: 0, outMs: 0 };
    const into = (seconds: number): void => {
      if (time.inMs === 0) times.push(time);
      time.inMs += seconds * 1000;
    };
    const out = (seconds: number): void => {
      time.outMs += seconds * 1000;
    };
    return { in: { observe: into }, out: { observe: out } };
  });
  const app = await loader.loadApp(name, args.trace === true ? { aroundFilters } : {});
  try {
    return {
      answer: await answerOf(app, request, args.data, { log, style: faultStyleOf(config), debug: false }),
      times,
    };
  } finally {
    await app.close();
  }
}

async function answerOf(
  app: App,
  { method, url, headers }: NamedRequest,
  payload: string | undefined,
  failures: Parameters<typeof runApp>[3],
): Promise<Answer> {
  const { default: inject } = await import('light-my-request');
  let running: Promise<unknown> | undefined;
  const noted: App = (req, res) => {
    const returned = app(req, res);
    // What it fails with is answered by runApp.
    running = Promise.resolve(returned).catch(() => undefined);
    return returned;
  };
  const type = payload === undefined ? {} : { 'content-type': 'application/json' };
  const begun = performance.now();
  const answer = await inject(
    (req, res) => runApp(noted, req as unknown as IncomingMessage, res as unknown as ServerResponse, failures),
    // More methods than its types have.
    { method: method as 'GET', url, headers: { ...type, ...headers }, ...(payload === undefined ? {} : { payload }) },
  );
  const ms = performance.now() - begun;
  // Filters are left after the answer has gone.
  await running;
  return { status: answer.statusCode, headers: answer.headers, body: answer.payload, ms };
}

function answerText({ status, headers, body }: Answer): string {
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().map((one) => `${name}: ${String(one)}`),
  );
  return [`${status} ${STATUS_CODES[status] ?? ''}`.trimEnd(), ...lines, '', body].join('\n').trimEnd();
}

function traceLines(times: readonly FilterTime[]): string[] {
  const rows = times.map(({ pipeline, filter, inMs, outMs }) => [pipeline, filter, inMs.toFixed(3), outMs.toFixed(3)]);
  return columns([['pipeline', 'filter', 'in ms', 'out ms'], ...rows]);
}
