/**
 * Decides whether a caller may do something, by the rules in force.
 */
import { Fault, RequestContext } from 'portico/app';
import { isObject, whatItIs } from 'portico/extension';
import type { Awaitable } from 'portico/service';
import { type Check, evaluate, type Members, type Question } from './check.js';
import { PolicyError } from './policy-error.js';
import { isTruthy } from './python-text.js';
import type { RegisteredRule } from './rule-default.js';
import type { RuleSet } from './rule-set.js';

/** The rules, and what an enforcer needs beside them. */
export interface EnforcerParts {
  readonly registered: ReadonlyMap<string, RegisteredRule>;
  readonly rules: RuleSet;
  /** True if a token of another scope is refused. */
  readonly enforceScope: boolean;
  /** Asks the server of an `http:` check. */
  readonly askServer: Question['askServer'];
  /** Returns the credentials of a context. */
  readonly credentialsOf: (context: RequestContext) => Members;
  /** Called for a token of another scope than the rule is for, if that is not refused. */
  readonly onScope: (name: string, scope: string, wanted: readonly string[]) => void;
}

/** A refusal, and whether the scope of the token is the reason. */
interface Verdict {
  readonly allows: boolean;
  readonly scope?: { readonly has: string; readonly wanted: readonly string[] };
}

/** Decides by the current rules whether a caller may do something. */
export class Enforcer {
  readonly #parts: EnforcerParts;

  constructor(parts: EnforcerParts) {
    this.#parts = parts;
  }

  /**
   * Returns whether the rule, or one that is given as a check, allows the caller to act on the target; a promise only if it asks a server.
   * Throws `PORTICO_POLICY_CREDENTIALS` for a caller that is no object, and `PORTICO_POLICY_RULE` for a rule that cannot be evaluated.
   */
  allows(caller: unknown, rule: string | Check, target?: Members): Awaitable<boolean> {
    const verdict = this.#decide(caller, rule, target);
    return verdict instanceof Promise ? verdict.then(({ allows }) => allows) : verdict.allows;
  }

  /** The same, but throws a Fault with status 403 if it does not. */
  enforce(caller: unknown, rule: string | Check, target?: Members): Awaitable<void> {
    const verdict = this.#decide(caller, rule, target);
    return verdict instanceof Promise ? verdict.then((found) => refuse(found, rule)) : refuse(verdict, rule);
  }

  #decide(caller: unknown, rule: string | Check, given: Members | undefined): Verdict | Promise<Verdict> {
    const { registered, rules, askServer, enforceScope, onScope } = this.#parts;
    const credentials = this.#credentials(caller);
    const check = typeof rule === 'string' ? rules.find(rule) : rule;
    if (check === undefined) return { allows: false };
    const wanted = typeof rule === 'string' ? (registered.get(rule)?.scopeTypes ?? []) : [];
    const has = scopeOf(credentials);
    if (wanted.length > 0 && !wanted.includes(has)) {
      if (enforceScope) return { allows: false, scope: { has, wanted } };
      onScope(rule as string, has, wanted);
    }
    const asked = typeof rule === 'string' ? rule : null;
    const target = given ?? { project_id: credentials.project_id, user_id: credentials.user_id };
    const allows = evaluate(check, { credentials, target, asked, askServer, rule: (name) => rules.find(name) });
    return typeof allows === 'boolean' ? { allows } : allows.then((is) => ({ allows: is }));
  }

  #credentials(caller: unknown): Members {
    if (caller instanceof RequestContext) return withSystem(this.#parts.credentialsOf(caller));
    if (isObject(caller)) return withSystem(caller);
    throw new PolicyError('PORTICO_POLICY_CREDENTIALS', {
      message: `a caller is a RequestContext or an object of credentials, not ${whatItIs(caller)}`,
      hint: 'Pass request.context.',
    });
  }
}

function refuse({ allows, scope }: Verdict, rule: string | Check): void {
  if (allows) return;
  const name = typeof rule === 'string' ? rule : 'the request';
  if (scope === undefined) throw new Fault(403, { kind: 'policy', message: `${name} is disallowed by policy` });
  throw new Fault(403, {
    kind: 'scope',
    message: `${name} requires a scope of ${scope.wanted.join(', ')}; the request was made with ${scope.has} scope`,
  });
}

/** Returns the credentials of a context under oslo.policy's names; unset ones are null. */
export function credentialsOf(context: RequestContext): Members {
  return {
    user_id: context.userId ?? null,
    user_domain_id: context.userDomainId ?? null,
    system_scope: context.systemScope ?? null,
    domain_id: context.domainId ?? null,
    project_id: context.projectId ?? null,
    project_domain_id: context.projectDomainId ?? null,
    roles: context.roles,
    is_admin_project: context.isAdminProject ?? true,
    service_user_id: context.serviceUserId ?? null,
    service_user_domain_id: null,
    service_project_id: context.serviceProjectId ?? null,
    service_project_domain_id: null,
    service_roles: context.serviceRoles,
  };
}

/** Older rules call the scope of a system token `system`. */
function withSystem(credentials: Members): Members {
  const { system_scope: scope } = credentials;
  return isTruthy(scope) ? { ...credentials, system: scope } : credentials;
}

/** Returns the scope of a token: everything that is neither a system's nor a domain's is a project's. */
function scopeOf(credentials: Members): string {
  if (isTruthy(credentials.system)) return 'system';
  return isTruthy(credentials.domain_id) ? 'domain' : 'project';
}
