/** Quotas of projects, and of the class `default`, which apply to projects for which none are set. */
import { type ActionRequest, type Args, action } from 'portico/routing';
import { Controller, callerOf, refuse, requireAdmin } from './api.js';
import { defaultQuotas, exceeds, projectUsage, QUOTAS, quotasOf } from './project-quotas.js';
import {
  classChange,
  isTrue,
  lastingQuotas,
  projectChange,
  type Quotas,
  query,
  queryByVersion,
  quotasOfFiles,
  quotasOfNetworks,
} from './schemas.js';

const userQuery = queryByVersion(query('user_id'));

type Limits = Partial<Quotas>;

/** Quotas of projects. Project ids are not checked, because only the identity service knows which projects exist. */
export class QuotaSets extends Controller {
  readonly show = action({ query: userQuery }, (request, { id }) => {
    this.#requireProject(request, String(id), 'show');
    const quotas = this.cloud.read(() => quotasOf(this.cloud, String(id)));
    return { quota_set: { id, ...setView(request, quotas) } };
  });

  /** Adds the use of each quota. */
  readonly detail = action({ query: userQuery }, (request, { id }) => {
    this.#requireProject(request, String(id), 'detail');
    return this.cloud.read(() => {
      const used = projectUsage(this.cloud, String(id));
      const quotas = Object.entries(setView(request, quotasOf(this.cloud, String(id))));
      const details = quotas.map(([name, limit]) => [
        name,
        { limit, in_use: used[name as keyof Quotas] ?? 0, reserved: 0 },
      ]);
      return { quota_set: { id, ...Object.fromEntries(details) } };
    });
  });

  defaults(request: ActionRequest, { id }: Args) {
    const quotas = this.cloud.read(() => defaultQuotas(this.cloud));
    return { quota_set: { id, ...setView(request, quotas) } };
  }

  readonly update = action({ query: userQuery, body: projectChange }, (request, { id }) => {
    requireAdmin(request, 'os-quota-sets:update');
    refuseUsers(request);
    const { force, ...asked } = request.body.quota_set;
    const project = String(id);
    return this.cloud.write(() => {
      const wanted = limitsIn(asked);
      if (!isTrue(force)) refuseLessThanUsed(wanted, projectUsage(this.cloud, project));
      const limits = { ...this.cloud.quotas.get(project)?.limits, ...wanted };
      this.cloud.quotas.delete(project);
      this.cloud.quotas.insert(project, { limits });
      return { quota_set: setView(request, quotasOf(this.cloud, project)) };
    });
  });

  readonly delete = action({ query: userQuery, status: 202 }, (request, { id }) => {
    requireAdmin(request, 'os-quota-sets:delete');
    refuseUsers(request);
    this.cloud.write(() => this.cloud.quotas.delete(String(id)));
  });

  #requireProject(request: ActionRequest, project: string, verb: string): void {
    if (callerOf(request).projectId !== project) requireAdmin(request, `os-quota-sets:${verb}`);
  }
}

export class QuotaClasses extends Controller {
  show(request: ActionRequest, { id }: Args) {
    requireAdmin(request, 'os-quota-class-sets:show');
    const quotas = this.cloud.read(() => this.#quotasOf(String(id)));
    return { quota_class_set: { id, ...classView(request, quotas) } };
  }

  readonly update = action({ body: classChange }, (request, { id }) => {
    requireAdmin(request, 'os-quota-class-sets:update');
    const name = String(id);
    return this.cloud.write(() => {
      const limits = { ...this.cloud.quotaClasses.get(name)?.limits, ...limitsIn(request.body.quota_class_set) };
      this.cloud.quotaClasses.delete(name);
      this.cloud.quotaClasses.insert(name, { limits });
      return { quota_class_set: classView(request, this.#quotasOf(name)) };
    });
  });

  #quotasOf(name: string): Quotas {
    return { ...QUOTAS, ...this.cloud.quotaClasses.get(name)?.limits };
  }
}

/** Throws 400 for `user_id`: a single user of a project has no quotas. */
function refuseUsers(request: ActionRequest): void {
  if (request.queryValue('user_id') !== undefined) refuse(400, 'Quotas of users are not supported.');
}

/** Reads limits as numbers. An empty string changes nothing. */
function limitsIn(asked: Readonly<Record<string, string | number | undefined>>): Limits {
  const given = Object.entries(asked).filter(([, limit]) => limit !== undefined && limit !== '');
  return Object.fromEntries(given.map(([name, limit]) => [name, Number(limit)]));
}

function refuseLessThanUsed(wanted: Limits, used: Limits): void {
  for (const [name, limit] of Object.entries(wanted)) {
    const least = used[name as keyof Quotas] ?? 0;
    if (!exceeds(least, limit)) continue;
    refuse(
      400,
      `Quota limit ${limit} for ${name} must be greater than or equal to already used and reserved ${least}.`,
    );
  }
}

/** The quotas of a project as JSON: from 2.36 on without those of networks, from 2.57 on without those of files. */
function setView({ apiVersion }: ActionRequest, quotas: Quotas): Limits {
  return without(
    quotas,
    apiVersion.atLeast('2.36') ? quotasOfNetworks : {},
    apiVersion.atLeast('2.57') ? quotasOfFiles : {},
  );
}

/** The quotas of a class as JSON. Classes have quotas of server groups only from 2.50 on. */
function classView({ apiVersion }: ActionRequest, quotas: Quotas): Limits {
  const { server_groups, server_group_members } = lastingQuotas;
  if (!apiVersion.atLeast('2.50')) return without(quotas, { server_groups, server_group_members });
  return without(quotas, quotasOfNetworks, apiVersion.atLeast('2.57') ? quotasOfFiles : {});
}

function without(quotas: Quotas, ...absent: readonly object[]): Limits {
  return Object.fromEntries(Object.entries(quotas).filter(([name]) => !absent.some((names) => name in names)));
}
