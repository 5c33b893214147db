/**
 * The services of the registry for operators: who reaches the listener may list them; who may change something there may
 * change them (`admin-guard.ts`).
 */
import { didYouMean, nearestOrAll, PorticoError } from '../../errors/index.js';
import type { OperatorChanges, ServiceRegistry, ViewFilter } from '../../registry/index.js';
import { type ServiceJson, serviceJson } from '../../registry/internal.js';
import { ControlAnswer, type ControlHandler, ControlRefused, type ControlRoutes } from './control-server.js';

/** What `GET /services` answers, and the status page shows. */
export interface ServicesDocument {
  readonly schema: 'portico/services';
  readonly version: 1;
  /** Sorted by host and binary. */
  readonly services: readonly ServiceJson[];
}

/** Answers of those codes; others are 400. */
const STATUS: Readonly<Record<string, number>> = {
  PORTICO_NO_REGISTRY: 404,
  PORTICO_RECORD_NOT_FOUND: 404,
  PORTICO_SERVICE_UP: 409,
  PORTICO_CHANGE_REFUSED: 409,
  PORTICO_REGISTRY_NOT_MIGRATED: 503,
  PORTICO_REGISTRY_UNAVAILABLE: 503,
};

const STATUSES = ['enabled', 'disabled'] as const;
const STATES = ['up', 'down', 'unknown'] as const;
const CHANGES = ['status', 'disabled_reason', 'forced_down'] as const;

/** `registry` throws where there is none. */
export function serviceRoutes(registry: () => ServiceRegistry): ControlRoutes {
  return {
    'GET /services': withStatus(({ query }) => servicesDocument(registry(), filterOf(query))),
    'PUT /services/:id': withStatus(async ({ params: { id }, body }) =>
      serviceJson(await registry().update(id!, changesOf(body))),
    ),
    'DELETE /services/:id': withStatus(async ({ params: { id }, query }) => {
      const { force } = given(query, ['force']);
      const isForced = force !== undefined && oneOf('force', ['true', 'false'], force) === 'true';
      await registry().delete(id!, { force: isForced });
      return new ControlAnswer(204, undefined);
    }),
  };
}

export async function servicesDocument(registry: ServiceRegistry, filter: ViewFilter = {}): Promise<ServicesDocument> {
  return { schema: 'portico/services', version: 1, services: (await registry.list(filter)).map(serviceJson) };
}

function withStatus(handler: ControlHandler): ControlHandler {
  return async (request) => {
    try {
      return await handler(request);
    } catch (error) {
      const { code = '', message, hint } = error as Partial<PorticoError>;
      const status = STATUS[code];
      if (status === undefined) throw error;
      throw new ControlRefused(status, code, { message: message!, ...(hint !== undefined && { hint }) });
    }
  };
}

function filterOf(query: URLSearchParams): ViewFilter {
  const { state, status, ...columns } = given(query, ['host', 'binary', 'topic', 'state', 'status']);
  return {
    ...columns,
    ...(state !== undefined && { state: oneOf('state', STATES, state) }),
    ...(status !== undefined && { status: oneOf('status', STATUSES, status) }),
  };
}

/** What the query has of these names. Refuses others: a misspelt one would list more than was asked for. */
function given<K extends string>(query: URLSearchParams, names: readonly K[]): { readonly [name in K]?: string } {
  const found: { [name in K]?: string } = {};
  for (const [name, value] of query) {
    const known =
      names.find((each) => each === name) ??
      refuseQuery(`it takes no ${JSON.stringify(name)} in its query`, nearestOrAll(name, names));
    if (found[known] !== undefined) refuseQuery(`${name} is given twice`);
    found[known] = value;
  }
  return found;
}

function oneOf<T extends string>(name: string, words: readonly T[], text: string): T {
  const message = `${name} is one of ${words.join(', ')}, not ${JSON.stringify(text)}`;
  return words.find((word) => word === text) ?? refuseQuery(message, didYouMean(text, words));
}

/** No value is taken for one of another type: `"false"` would force a service down. */
function changesOf(body: Readonly<Record<string, unknown>>): OperatorChanges {
  const unknown = Object.keys(body).find((name) => !CHANGES.some((each) => each === name));
  if (unknown !== undefined)
    refuseChange(`there is no ${JSON.stringify(unknown)} to change`, nearestOrAll(unknown, CHANGES));
  const { status, disabled_reason: reason, forced_down: forcedDown } = body;
  const isStatus = status === undefined || STATUSES.some((each) => each === status);
  if (!isStatus) refuseChange(`status is one of ${STATUSES.join(', ')}, not ${JSON.stringify(status)}`);
  if (reason !== undefined && typeof reason !== 'string') refuseChange('disabled_reason is not a text');
  if (forcedDown !== undefined && typeof forcedDown !== 'boolean') refuseChange('forced_down is not true or false');
  return {
    ...(status !== undefined && { status: status as 'enabled' | 'disabled' }),
    ...(reason !== undefined && { disabledReason: reason as string }),
    ...(forcedDown !== undefined && { forcedDown: forcedDown as boolean }),
  };
}

function refuseQuery(message: string, hint?: string): never {
  throw new ControlRefused(400, 'PORTICO_CONTROL_QUERY', { message, hint });
}

function refuseChange(message: string, hint?: string): never {
  throw new PorticoError('PORTICO_INVALID_CHANGE', { message, hint });
}
