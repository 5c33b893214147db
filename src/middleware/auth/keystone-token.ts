/**
 * The token body of the OpenStack Identity API v3, read with care: it comes from somebody else's program.
 */
import type { AccessRule, AppCredential, Named, TokenInfo } from './token-validator.js';

type Json = Readonly<Record<string, unknown>>;

/** What an answer of `/v3/auth/tokens` says. Throws a `TypeError` for one that is no token. */
export function tokenInfoOf(text: string): TokenInfo {
  const token = object(parsed(text)?.token);
  if (token === undefined) throw new TypeError('it is not a token');
  const user = object(token.user);
  const project = object(token.project);
  const system = object(token.system);
  return {
    userId: word(user?.id),
    userName: word(user?.name),
    userDomain: named(user?.domain),
    projectId: word(project?.id),
    projectName: word(project?.name),
    projectDomain: named(project?.domain),
    domain: named(token.domain),
    systemScope: system?.all === true ? 'all' : undefined,
    roles: items(token.roles).flatMap((role) => word(object(role)?.name) ?? []),
    isAdminProject: token.is_admin_project === true,
    expiresAt: word(token.expires_at),
    issuedAt: word(token.issued_at),
    auditIds: items(token.audit_ids).flatMap((id) => word(id) ?? []),
    methods: items(token.methods).flatMap((method) => word(method) ?? []),
    appCredential: appCredential(token.application_credential),
    catalog: Array.isArray(token.catalog) ? token.catalog : undefined,
    bind: object(token.bind),
  };
}

function appCredential(value: unknown): AppCredential | undefined {
  const credential = object(value);
  if (credential === undefined) return undefined;
  const { access_rules: rules } = credential;
  return {
    id: word(credential.id),
    name: word(credential.name),
    restricted: credential.restricted === true,
    // What is there and cannot be read allows nothing.
    accessRules: rules === undefined || rules === null ? undefined : items(rules).flatMap(accessRule),
  };
}

function accessRule(value: unknown): AccessRule[] {
  const rule = object(value);
  const [service, method, path] = [word(rule?.service), word(rule?.method), word(rule?.path)];
  return service === undefined || method === undefined || path === undefined ? [] : [{ service, method, path }];
}

function parsed(text: string): Json | undefined {
  try {
    return object(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function named(value: unknown): Named | undefined {
  const given = object(value);
  return given === undefined ? undefined : { id: word(given.id), name: word(given.name) };
}

function object(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function word(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
