/** Whether a new project turns authentication off, as `[api] auth_strategy` of `portico.ini` can do for all its APIs. */
import type { PlannedApp } from '../../service/index.js';
import type { FoundPaste, FoundService } from './found-service.js';
import type { Served } from './served-apis.js';
import type { StandIn } from './stand-ins.js';

/** Decision of {@link authStrategy}. */
export interface AuthStrategy {
  /** Filters that accept callers without a token, whatever the option says. They load only with `noauth` or `noauth2`. */
  readonly open: readonly string[];
  /** Sections whose pipelines the option chooses. */
  readonly chooses: readonly string[];
  /** True if the conf says something. */
  readonly isSet: boolean;
  /** True if the project says `noauth`: nothing but the filters in `open` depends on it. */
  readonly isWritten: boolean;
}

/**
 * Returns what the option may be. It applies to all APIs, so the project has it only if no section chooses by it, of whatever API: where
 * one does, an operator decides.
 */
export function authStrategy(service: FoundService, served: Served, standIns: readonly StandIn[]): AuthStrategy {
  const { pastes, conf } = service;
  const open = served.apis.flatMap(({ app, file }) =>
    pastes.filter(({ name }) => name === file).flatMap((paste) => openFilters(paste, app, standIns)),
  );
  const chooses = standIns.flatMap(({ target, factory }) => (target === CHOOSES ? factory.sections : []));
  const isSet = ['api', 'DEFAULT'].some((section) => conf?.written(section, 'auth_strategy') !== undefined);
  return {
    open: [...new Set(open)],
    chooses: [...new Set(chooses)],
    isSet,
    isWritten: open.length > 0 && chooses.length === 0 && !isSet,
  };
}

const CHOOSES = 'portico/loader:byOption';

/** Returns the filters of an app that accept callers without a token, whatever the option says. */
function openFilters({ paste }: FoundPaste, app: string, all: readonly StandIn[]): readonly string[] {
  const leadsTo = (name: string, target: string): boolean =>
    all.some((each) => each.target === target && each.factory.sections.includes(name));
  const openIn = ({ name, filters = [], inner, branches = [] }: PlannedApp): readonly string[] => [
    ...filters.filter((filter) => leadsTo(filter, 'portico/middleware:noauth')),
    ...(inner === undefined ? [] : openIn(inner)),
    ...(leadsTo(name, CHOOSES) ? [] : branches.flatMap((branch) => openIn(branch.app))),
  ];
  return openIn(paste.writtenApp(app));
}
