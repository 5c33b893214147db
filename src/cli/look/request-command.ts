/**
 * `api-cli request`: sends one request through the composed app, over a server on the loopback interface. The app is built as for serving,
 * and closed.
 */
import { type IncomingMessage, STATUS_CODES, request as send } from 'node:http';
import type { Command } from 'commander';
import { type App, environ } from '../../app/index.js';
import { answering, connectionRemote, type FailureOptions } from '../../app/internal.js';
import { commandLogger } from '../../config/internal.js';
import { Server, type ServerOptions } from '../../server/index.js';
import { pipelineProbes, serverFailures } from '../../server/internal.js';
import { columns, example, print } from '../command.js';
import { addConfigurationOptions } from '../command-line.js';
import {
  addRequestArguments,
  type NamedRequest,
  namedApp,
  namedRequest,
  type RequestArguments,
} from './named-request.js';

interface SendArguments extends RequestArguments {
  readonly trace?: boolean;
}

export function register(program: Command): void {
  const command = addRequestArguments(program.command('request'))
    .description('send a request through the composed app and show the response')
    .option('--trace', 'show the milliseconds in each filter, before and after its inner app')
    .option('--json', 'print one JSON document')
    .addHelpText('after', example("api-cli request GET /v2.1/servers -H 'X-Auth-Token: admin' --trace"));
  addConfigurationOptions(command).action(async (method: string, url: string, args: SendArguments) => {
    const { answer, times } = await sent(namedRequest(method, url, args), args);
    const trace = args.trace === true ? { trace: times } : {};
    print(args, { schema: 'portico/request', version: 1, ...answer, ...trace }, () =>
      [answerText(answer), ...(args.trace === true ? ['', ...traceLines(times)] : [])].join('\n'),
    );
  });
}

/** Time of a filter itself; `out` stays 0 if it responded. */
interface FilterTime {
  readonly pipeline: string;
  readonly filter: string;
  inMs: number;
  outMs: number;
}

async function sent(request: NamedRequest, args: SendArguments) {
  const { loader, log, app: name, limits } = await namedApp(request, args, commandLogger);
  const times: FilterTime[] = [];
  const aroundFilters = pipelineProbes({
    filter: (pipeline, filter) => {
      const time: FilterTime = { pipeline, filter, inMs: 0, outMs: 0 };
      const into = (seconds: number): void => {
        if (time.inMs === 0) times.push(time);
        time.inMs += seconds * 1000;
      };
      const out = (seconds: number): void => {
        time.outMs += seconds * 1000;
      };
      return { in: { observe: into }, out: { observe: out } };
    },
  });
  const app = await loader.loadApp(name, args.trace === true ? { aroundFilters } : {});
  try {
    const failures = serverFailures(log, false);
    const answer = await answerOf(app, request, failures, limits);
    return { answer, times };
  } finally {
    await app.close();
  }
}

async function answerOf(app: App, request: NamedRequest, failures: FailureOptions, limits: ServerOptions) {
  let running: Promise<unknown> | undefined;
  const noted: App = (req, res) => {
    const returned = app(req, res);
    // Its failure has its response below.
    running = Promise.resolve(returned).catch(() => undefined);
    return returned;
  };
  const answered = answering(noted, failures);
  // Logs only failures: its log is that of a service.
  const server = new Server(
    'request',
    (req, res) => {
      if (request.secure) environ(req).remote = { ...connectionRemote(req), scheme: 'https' };
      void answered(req, res);
    },
    { ...limits, drainIdle: 0 },
  );
  await server.start();
  try {
    const [address] = server.addresses;
    const answer = await exchanged(request, (address as { readonly port: number }).port);
    // Filters finish after the response was sent.
    await running;
    return answer;
  } finally {
    await server.stop();
  }
}

async function exchanged({ method, url, headers, body: payload }: NamedRequest, port: number) {
  const type = payload === undefined ? {} : { 'content-type': 'application/json' };
  // Node accepts no list for a single Host.
  const fields = Object.fromEntries(
    Object.entries(headers).map(([name, values]) => [name, values.length > 1 ? values : values[0]]),
  );
  const begun = performance.now();
  const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
    send({ host: '127.0.0.1', port, method, path: url, agent: false, headers: { ...type, ...fields } })
      .once('response', resolve)
      .once('error', reject)
      .once('close', () => reject(new Error('the connection was closed without a response')))
      .end(payload);
  });
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const ms = performance.now() - begun;
  return { status: incoming.statusCode!, headers: incoming.headers, body: Buffer.concat(chunks).toString(), ms };
}

function answerText({ status, headers, body }: Awaited<ReturnType<typeof exchanged>>): string {
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().map((one) => `${name}: ${String(one)}`),
  );
  return [`${status} ${STATUS_CODES[status] ?? ''}`.trimEnd(), ...lines, '', body].join('\n').trimEnd();
}

function traceLines(times: readonly FilterTime[]): string[] {
  const rows = times.map(({ pipeline, filter, inMs, outMs }) => [pipeline, filter, inMs.toFixed(3), outMs.toFixed(3)]);
  return columns([['pipeline', 'filter', 'in ms', 'out ms'], ...rows]);
}
