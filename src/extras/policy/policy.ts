/**
 * The policy of an application: its rules in code, with those of the policy files of a configuration.
 */
import { Fault, type RequestContext } from 'portico/app';
import type { Config } from 'portico/config';
import {
  ConfigurationRefused,
  type Diagnostic,
  didYouMean,
  inOrder,
  type Logger,
  locationInFile,
} from 'portico/extension';
import type { ActionRequest } from 'portico/routing';
import type { Awaitable } from 'portico/service';
import type { Members } from './check.js';
import { credentialsOf, Enforcer } from './enforcer.js';
import { serverAsker } from './http-check.js';
import { shown } from './policy-error.js';
import { type FileRule, POLICY_FILE } from './policy-file.js';
import {
  isPolicyPath,
  joinedRules,
  type PolicyPlaces,
  pathsInDirectory,
  policyPath,
  readPolicyFiles,
} from './policy-files.js';
import { policyOptions } from './policy-options.js';
import {
  type RegisteredRule,
  type RuleDefault,
  refuseProblems,
  refuseUnregistered,
  registeredRules,
} from './rule-default.js';
import { RuleSet, referredNames } from './rule-set.js';

/** The caller: the context of a request, or credentials under the names that rules have: `user_id`, `project_id`, `roles`. */
export type Caller = RequestContext | Members;

/** The rules of an application. */
export interface PolicyDefinition<N extends string = string> {
  /** The rules, by name. */
  readonly rules: ReadonlyMap<string, RuleDefault>;
  /**
   * Returns the policy with the files of a configuration, which are read once for each. Throws `PORTICO_POLICY_REFUSED` with all errors in
   * them; logs what is probably not meant.
   */
  load(config: Config, options?: { readonly log?: Logger }): Policy<N>;
}

/** A policy in force. A call of it makes the guard of a route: `auth: policy('books:create')`. */
export interface Policy<N extends string = string> {
  /**
   * Returns a guard that refuses callers whom the rule does not allow: unknown ones with 401, others with 403. `target` returns what the
   * request is about; by default the path variables, and the caller's `project_id` and `user_id`. Throws `PORTICO_POLICY_NOT_REGISTERED`
   * for a rule that is not registered.
   */
  // biome-ignore lint/suspicious/noExplicitAny: the params of any path
  (rule: N, target?: (request: ActionRequest<any>) => Members): PolicyGuard;
  /**
   * Refuses a caller whom the rule does not allow with a Fault, status 403. `target`: what it is about, `{ project_id: book.projectId }`;
   * default: the caller's `project_id` and `user_id`. A rule without a definition is the default rule; without that one it denies.
   */
  enforce(caller: Caller, rule: N | (string & {}), target?: Members): Promise<void>;
  /** Resolves with whether the rule allows the caller to act on the target, as {@link Policy.enforce}. */
  allows(caller: Caller, rule: N | (string & {}), target?: Members): Promise<boolean>;
}

/** The guard of a route. */
// biome-ignore lint/suspicious/noExplicitAny: the params of any path
export type PolicyGuard = (request: ActionRequest<any>) => Awaitable<RequestContext>;

export interface PolicyOptions {
  /**
   * Returns the credentials of a context, which rules compare. Default: `credentialsOf`, as oslo.policy has them, without `is_admin`:
   * `(context) => ({ ...credentialsOf(context), is_admin: context.isAdmin })`.
   */
  readonly credentials?: ((context: RequestContext) => Members) | undefined;
}

/** A policy that was loaded with a configuration, for commands. */
export interface LoadedPolicy {
  readonly registered: ReadonlyMap<string, RegisteredRule>;
  /** The rules of its files, by name. */
  readonly written: ReadonlyMap<string, FileRule>;
  readonly findings: readonly Diagnostic[];
  /** Warnings about rules of its files that this application does not know, by their names: another API may know them. */
  readonly foreign: ReadonlyMap<string, readonly Diagnostic[]>;
}

const loaded = new WeakMap<Config, LoadedPolicy[]>();

/** Reports whether a policy refuses its configuration. */
export const hasErrors = ({ findings }: Pick<LoadedPolicy, 'findings'>): boolean =>
  findings.some(({ severity }) => severity === 'error');

/** Returns the policies that code has loaded with a configuration, also refused ones. */
export function loadedPolicies(config: Config): readonly LoadedPolicy[] {
  return loaded.get(config) ?? [];
}

/**
 * Registers the rules of an application. Throws `PORTICO_POLICY_DEFAULT` or `PORTICO_POLICY_OPERATIONS` for an invalid one, and
 * `PORTICO_POLICY_DUPLICATE` for two with one name.
 */
export function definePolicy<const N extends string>(
  rules: readonly RuleDefault<N>[],
  { credentials = credentialsOf }: PolicyOptions = {},
): PolicyDefinition<N> {
  const registered = registeredRules(rules);
  refuseProblems(registered);
  const known = new WeakMap<Config, Policy<N>>();
  return {
    rules: registered,
    load: (config, { log = config.log } = {}) => {
      const made = known.get(config) ?? policyOf(registered, loadEnforcer(registered, config, credentials, log));
      known.set(config, made);
      return made;
    },
  };
}

function policyOf<N extends string>(registered: ReadonlyMap<string, RegisteredRule>, enforcer: Enforcer): Policy<N> {
  const policy: Policy<N> = Object.assign(
    (rule: N, targetOf: (request: ActionRequest) => Members = targetOfPath): PolicyGuard => {
      refuseUnregistered(registered, rule);
      const guard: PolicyGuard = (request) => {
        const context = request.context as RequestContext | undefined;
        if (context === undefined) throw new Fault(401, { message: 'The request is not authenticated.' });
        const target = { project_id: context.projectId, user_id: context.userId, ...targetOf(request) };
        const refused = enforcer.enforce(context, rule, target);
        return refused instanceof Promise ? refused.then(() => context) : context;
      };
      return Object.defineProperty(guard, 'name', { value: `policy ${rule}` });
    },
    {
      enforce: async (caller: Caller, rule: string, target?: Members) => enforcer.enforce(caller, rule, target),
      allows: async (caller: Caller, rule: string, target?: Members) => enforcer.allows(caller, rule, target),
    },
  );
  return policy;
}

const targetOfPath = ({ params }: ActionRequest): Members => params;

function loadEnforcer(
  registered: ReadonlyMap<string, RegisteredRule>,
  config: Config,
  credentials: (context: RequestContext) => Members,
  log: Logger,
): Enforcer {
  const options = config.group('oslo_policy', policyOptions);
  const { paths, missing, gone } = pathsOf(config);
  const files = readPolicyFiles(paths, (path) => config.readFile(path));
  const written = joinedRules(files);
  const rules = new RuleSet(registered, written, options);
  const { own, foreign } = policyFindings(registered, written, rules);
  const findings = [...missing, ...gone, ...files.flatMap(({ problems }) => problems), ...own];
  loaded.set(config, [...loadedPolicies(config), { registered, written, findings, foreign }]);
  // Of several APIs, each has its own process: what none of them knows, api-cli policy check finds.
  const isAlone = config.listAllSections().filter((name) => /^(?:api|service):/.test(name)).length < 2;
  const told = isAlone ? [...findings, ...[...foreign.values()].flat()] : findings;
  if (hasErrors({ findings })) throw new ConfigurationRefused('PORTICO_POLICY_REFUSED', { diagnostics: inOrder(told) });
  config.warn(told);
  const scopes = new Set<string>();
  return new Enforcer({
    registered,
    rules,
    credentialsOf: credentials,
    enforceScope: options.enforceScope,
    askServer: serverAsker(config, options),
    onScope: (rule, scope, wanted) => {
      if (scopes.has(`${rule} ${scope}`)) return;
      scopes.add(`${rule} ${scope}`);
      log.warn({ rule, scope, wanted }, 'a token of another scope than a policy rule is for was accepted');
    },
  });
}

/**
 * Returns the paths of the policy files, an error for one that the operator names and that does not exist, and a warning for each that the
 * configuration before this one has read and that is gone: without it a rule may allow more.
 */
function pathsOf(
  config: Config,
): Readonly<Record<'missing' | 'gone', readonly Diagnostic[]>> & { readonly paths: readonly string[] } {
  const { policyFile, policyDirs } = config.group('oslo_policy', policyOptions);
  const location = config.getLocation('oslo_policy', 'policy_file');
  const isWritten = location.kind !== 'default';
  const places: PolicyPlaces = { policyFile, isWritten, find: (name) => config.findFile(name) };
  const file = policyPath(places);
  const directories = policyDirs.flatMap((name) => places.find(name) ?? []);
  const subject = { section: 'oslo_policy', option: 'policy_file', location, got: policyFile };
  const missing: Diagnostic = {
    severity: 'error',
    code: POLICY_FILE,
    ...subject,
    message: 'does not exist',
    hint: 'A relative name is searched beside the configuration files.',
  };
  return {
    paths: [...(file === undefined ? [] : [file]), ...directories.flatMap(pathsInDirectory)],
    missing: file === undefined && isWritten ? [missing] : [],
    gone: config.filesLost
      .filter((path) => isPolicyPath(path, policyFile, policyDirs))
      .map(
        (path): Diagnostic => ({
          severity: 'warning',
          code: POLICY_FILE,
          location: locationInFile({ file: path, line: 1, column: 1 }),
          message:
            'the configuration before this one has read this file, and it is gone: rules are those of the code and of the other files',
          hint: 'Put it back. A policy_file that is set refuses a reload without it.',
        }),
      ),
  };
}

/** Returns the warnings about rules in files that no application of the configuration knows, each with the nearest name of any. */
export function unknownRules(policies: readonly LoadedPolicy[]): readonly Diagnostic[] {
  const names = [...(policies[0]?.foreign.keys() ?? [])];
  return names.flatMap((name) => {
    const all = policies.flatMap(({ foreign }) => foreign.get(name) ?? []);
    if (!policies.every(({ foreign }) => foreign.has(name))) return [];
    const byMessage = new Map(all.map((each) => [each.message, each]));
    for (const each of all) if (each.hint !== undefined) byMessage.set(each.message, each);
    return [...byMessage.values()];
  });
}

/**
 * Returns findings between rules: names that are not defined or not used, circles, and names that were replaced. Those about rules that the
 * application does not know are separate.
 */
function policyFindings(
  registered: ReadonlyMap<string, RegisteredRule>,
  written: ReadonlyMap<string, FileRule>,
  rules: RuleSet,
): { readonly own: Diagnostic[]; readonly foreign: Map<string, Diagnostic[]> } {
  const replaced = new Map([...registered.values()].flatMap(({ name, old }) => (old ? [[old.name, name]] : [])));
  const used = new Set([...rules.rules.values()].flatMap(referredNames));
  const names = [...registered.keys()];
  const foreign = new Map<string, Diagnostic[]>();
  const own = [...rules.rules].flatMap(([name, check]): Diagnostic[] => {
    const { location } = written.get(name) ?? {};
    const rule = `the rule ${shown(name)}${location === undefined ? ' of the application' : ''}`;
    const found = (severity: Diagnostic['severity'], message: string, hint?: string): Diagnostic => ({
      severity,
      code: POLICY_FILE,
      location,
      message: `${rule} ${message}`,
      hint,
    });
    const ofReferences = rules
      .undefinedIn(check)
      .map((other) =>
        found(
          'warning',
          `refers to rule:${other.slice(0, 100)}, which is not defined, so that denies`,
          didYouMean(other, rules.rules.keys()),
        ),
      );
    const circle = rules.isCyclic(check)
      ? [found('error', 'leads back to itself', 'Let it refer to other rules.')]
      : [];
    const { deprecatedForRemoval, deprecatedSince } = registered.get(name) ?? {};
    const newName = replaced.get(name);
    const isKnown = registered.has(name) || newName !== undefined || used.has(name) || name === 'default';
    if (!isKnown) {
      const unknown = found('warning', 'is not known to the application', didYouMean(name, names));
      foreign.set(name, [...ofReferences, unknown]);
      return circle;
    }
    const ofNames =
      location === undefined
        ? []
        : deprecatedForRemoval === true
          ? [found('warning', `will be removed: it is deprecated since ${deprecatedSince}`)]
          : newName !== undefined && !registered.has(name)
            ? [found('warning', 'has a new name', `Write it as ${JSON.stringify(newName)}.`)]
            : [];
    return [...ofReferences, ...circle, ...ofNames];
  });
  return { own, foreign };
}
