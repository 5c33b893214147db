/**
 * Apps for trials: an API is composed as `check` composes it, and responds to requests in this process. Filters run; in place of what an
 * application would do with the request, its end is noted.
 */
import type { App, FaultIssue, Filter } from '../../app/index.js';
import { canTry, endTrial, entering, exchangeOf, type TrialNode } from '../../app/internal.js';
import { asTrial } from '../../config/internal.js';
import type { Loader } from '../../loader/index.js';
import type { CreatedNode, CreateOptions } from '../../loader/internal.js';
import { type TriedAnswer, type TriedRequest, trialServer } from '../../server/internal.js';
import { countText } from '../../text/index.js';

/** An app for trials. */
export interface TrialApp {
  run(request: TriedRequest): Promise<TriedAnswer>;
  /** Releases what its factories hold. */
  close(): Promise<void>;
}

/** Composes an app of a paste file for trials. `limits`: those of its server; `standIns`: for parts that are not installed. */
export async function trialApp(
  loader: Loader,
  name: string,
  limits: Parameters<typeof trialServer>[1],
  standIns = false,
): Promise<TrialApp> {
  const app = await asTrial(() => loader.loadApp(name, { ...NOTED, standIns }));
  return { run: trialServer(app, limits), close: () => app.close() };
}

/** Returns an error that the schemas of a route have found: `query.limit must be integer`. */
export function issueText({ where, path, message }: FaultIssue): string {
  return `${[where, ...path].join('.')} ${message}`;
}

/** Each part notes that a request enters it; one that is not installed yet, too. */
const NOTED: CreateOptions = {
  aroundApp: (app, node) => entered('app', node)(canTry(app) ? app : endOf(node)),
  aroundComposite: (app, node) => entered('composite', node)(node.hasApps ? app : endOf(node)),
  aroundFilters: (pipeline, filters) => [
    ...filters.map((filter, at) => (at === 0 ? first(pipeline, filters) : entered('filter', filter))),
    ...(filters.length === 0 ? [] : [(app: App) => app]),
  ],
};

function first(pipeline: CreatedNode, filters: readonly CreatedNode[]): Filter {
  const enterPipeline = entered('pipeline', pipeline, countText(filters.length, 'filter'));
  const enterFilter = entered('filter', filters[0]!);
  return (app) => enterPipeline(enterFilter(app));
}

function entered(
  what: TrialNode['what'],
  { name, factory, origin, isUnknown }: CreatedNode,
  note = isUnknown ? NOT_YET[what] : undefined,
): Filter {
  return entering({ what, name, factory, origin }, note);
}

/** Text for a part that is not installed and that a request enters. */
const NOT_YET: Readonly<Partial<Record<TrialNode['what'], string>>> = {
  filter: 'is not installed: passes the request on',
  app: 'is not installed',
  composite: 'is not installed: its options name its parts',
};

/** An app in place of one that does not know trials. */
function endOf({ name }: CreatedNode): App {
  return (req, res) => endTrial(exchangeOf(req).trial!, res, { what: 'app', name });
}
