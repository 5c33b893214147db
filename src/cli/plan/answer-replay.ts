/** One state of a replay, in a separate process: reads lists of requests, a line of JSON each, and writes their verdicts to descriptor 3. */
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Config } from '../../config/index.js';
import type { ReplayedRequest, ReplayIssue, ReplayVerdict } from '../../plan/index.js';
import type { PlannedApi, TriedAnswer } from '../../server/internal.js';
import { limitsOf, portsOf } from '../look/named-request.js';
import { issueText, type TrialApp, trialApp } from '../look/trial.js';
import { chosenApis, loaderOf } from '../validate/api-routers.js';

/** Replays requests until standard input ends. Apps are composed when the first request for them comes. */
export async function answerReplay(config: Config): Promise<void> {
  const apis = (await chosenApis(config, undefined)).filter(({ pasteFile }) => pasteFile !== undefined);
  const apps = new Map<string, Promise<TrialApp>>();
  const appOf = (api: PlannedApi): Promise<TrialApp> => {
    const made = apps.get(api.name) ?? trialApp(loaderOf(api, config), api.pipeline, limitsOf(config, api.name));
    apps.set(api.name, made);
    return made;
  };
  const answers = createWriteStream('', { fd: 3 });
  for await (const line of createInterface({ input: process.stdin })) {
    const requests = JSON.parse(line) as readonly ReplayedRequest[];
    // All at once: a filter may wait.
    const verdicts = await Promise.all(
      requests.map(async (request) => {
        const api = apiOf(apis, request);
        return api === undefined ? UNKNOWN : verdictOf(api, await appOf(api), request);
      }),
    );
    answers.write(`${JSON.stringify(verdicts)}\n`);
  }
  for (const app of apps.values()) await (await app).close();
  answers.end();
}

const UNKNOWN: ReplayVerdict = {
  api: null,
  status: null,
  route: null,
  action: null,
  issues: [],
  lacksBody: false,
  isAnswered: false,
};

/** Returns the API of that name, the one with that port, or the only one. */
function apiOf(apis: readonly PlannedApi[], { api: wanted, port }: ReplayedRequest): PlannedApi | undefined {
  const byName = wanted === null ? undefined : apis.find(({ name }) => name === wanted);
  if (byName !== undefined) return byName;
  const byPort = port === null ? [] : apis.filter((api) => portsOf(api).includes(port));
  if (byPort.length === 1) return byPort[0];
  return apis.length === 1 && wanted === null ? apis[0] : undefined;
}

async function verdictOf(
  { name, usesTls: secure }: PlannedApi,
  app: TrialApp,
  { method, target: url, version }: ReplayedRequest,
): Promise<ReplayVerdict> {
  const answer = await app.run({
    method,
    url,
    headers: HEADERS,
    secure,
    version: version ?? undefined,
    unknown: ['headers', 'body'],
  });
  const { end, status, route, trial } = answer;
  return {
    api: name,
    status: end === undefined ? (status ?? null) : null,
    route: route ?? null,
    action: end?.what === 'action' ? end.name : null,
    issues: issuesOf(answer),
    lacksBody: trial.assumed.has('body'),
    isAnswered: end !== undefined || status !== undefined,
  };
}

const HEADERS = { host: ['localhost'] };

function issuesOf({ trial: { fault }, end, status }: TriedAnswer): ReplayIssue[] {
  if (end !== undefined || fault === undefined || fault.status !== status) return [];
  return fault.issues.map((issue) => ({ value: [PARTS[issue.where], ...issue.path], text: issueText(issue) }));
}

/** The parts of a request by their names in a state. */
const PARTS = { params: 'path', query: 'query', headers: 'header', body: 'body' } as const;
