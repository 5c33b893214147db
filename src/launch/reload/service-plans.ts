/**
 * Plans of all services for one configuration, and their differences in the operator's terms: content of certificates
 * and paste files under unchanged names, and pipelines.
 */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../../config/index.js';
import { type Diagnostic, ignoreErrors, locationText, severalRefusals } from '../../errors/index.js';
import type { PipelineChange, ReloadChange } from '../../operating/index.js';
import type { Launchable, PlannedCertificate, ServiceFile, ServicePlan } from '../../service/index.js';
import { isPlanned } from '../../service/internal.js';
import { masked, orderChanges } from '../../text/index.js';
import { serviceName } from '../launcher.js';

/** The plans of several services. */
export interface ServicePlans {
  /** Plans by service; empty for a service without a plan. */
  readonly plans: ReadonlyMap<string, ServicePlan>;
  /** Files by the option that names them and their path. */
  readonly files: ReadonlyMap<string, PlannedFile>;
  /** Refusals of the configuration by services. */
  readonly failures: readonly unknown[];
  readonly warnings: readonly Diagnostic[];
}

/** A file that services read, as known to the configuration. */
interface PlannedFile {
  readonly content: Buffer;
  /** Location of its name in the configuration. */
  readonly where: string;
  /** Each service's description of the file, by service name. */
  readonly services: ReadonlyMap<string, ServiceFile>;
}

/** Files by the service that has read them. */
export type FilesRead = ReadonlyMap<string, readonly ServiceFile[]>;

/**
 * Returns the plans of services; services that are objects are asked for theirs. Without a configuration there are no
 * plans.
 */
export function servicePlans(
  services: readonly Launchable[],
  config: Config | undefined,
  filesRead: FilesRead = new Map(),
): ServicePlans {
  const failures: unknown[] = [];
  const warnings: Diagnostic[] = [];
  const plans = new Map<string, ServicePlan>();
  for (const service of services) {
    const name = serviceName(service);
    plans.set(name, {});
    if (config === undefined) continue;
    try {
      const plan = isPlanned(service) ? service : (service.plan?.(config) ?? {});
      plans.set(name, plan);
      const { diagnostics = [] } = plan;
      const errors = diagnostics.filter(({ severity }) => severity === 'error');
      if (errors.length > 0) failures.push(severalRefusals(errors));
      warnings.push(...diagnostics.filter(({ severity }) => severity === 'warning'));
    } catch (error) {
      failures.push(error);
    }
  }
  const files = config === undefined ? new Map() : plannedFiles(plans, filesRead, config);
  return { plans, files, failures, warnings };
}

/**
 * Returns the files of the plans, and the others that services have read. If a value is the content of a file, its
 * option is reported instead. Leaves out files that cannot be read: the service that needs them reports the reason.
 */
function plannedFiles(plans: ReadonlyMap<string, ServicePlan>, read: FilesRead, config: Config): ServicePlans['files'] {
  const all = new Map<string, PlannedFile & { readonly services: Map<string, ServiceFile> }>();
  const paths = new Set<string>();
  const add = (name: string, file: ServiceFile): void => {
    const { path, option, where } = file;
    paths.add(path);
    const key = `${option} ${path}`;
    const known =
      all.get(key) ??
      ignoreErrors(() => ({
        content: config.readFile(path),
        where: where ?? locationOfOption(option, config),
        services: new Map<string, ServiceFile>(),
      }));
    if (known !== undefined) all.set(key, known);
    known?.services.set(name, file);
  };
  for (const [name, { files = [] }] of plans) for (const file of files) add(name, file);
  const others = [...plans.keys()].flatMap((name) =>
    (read.get(name) ?? []).filter(({ path }) => !paths.has(path)).map((file) => ({ name, file })),
  );
  if (others.length === 0) return all;
  // Computed only if needed, because it resolves all options.
  const values = new Set(config.namedFiles.filter(({ isValue }) => isValue).map(({ path }) => path));
  for (const { name, file } of others) if (!values.has(file.path)) add(name, file);
  return all;
}

function locationOfOption(option: string, config: Config): string {
  const dot = option.lastIndexOf('.');
  return locationText(config.getLocation(option.slice(0, dot), option.slice(dot + 1))) || 'default';
}

/** Returns the errors for certificates that have expired and replace certificates that have not. */
export function endedCertificates(before: ServicePlans, after: ServicePlans): Diagnostic[] {
  const hasEnded = ({ ends }: PlannedCertificate): boolean => Date.parse(ends) < Date.now();
  return [...after.plans].flatMap(([name, { certificate }]) => {
    const old = before.plans.get(name)?.certificate;
    if (certificate === undefined || old === undefined) return [];
    if (!hasEnded(certificate) || hasEnded(old)) return [];
    const [expiry] = certificate.warnings;
    if (expiry === undefined) return [];
    const hint = `The current one is valid until ${old.ends}. Renew this one.`;
    return [{ ...expiry, severity: 'error' as const, hint }];
  });
}

/**
 * Differences between the plans of a new configuration and the present ones: the effect of a reload on services, and
 * its report.
 */
export interface PlanChanges {
  /** Services that it starts and that it ends, by name. All others get the new configuration. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly files: readonly ReloadChange[];
  readonly pipelines: readonly PipelineChange[];
}

/**
 * Returns the differences. Files count only if they are read as before, under the same option, by services that ran
 * before.
 */
export function diff(before: ServicePlans, after: ServicePlans): PlanChanges {
  const only = (some: ServicePlans, others: ServicePlans): string[] =>
    [...some.plans.keys()].filter((name) => !others.plans.has(name));
  const files = [...after.files].flatMap(([key, now]) => {
    const old = before.files.get(key);
    const services = new Map([...now.services].filter(([name]) => before.plans.has(name)));
    return old === undefined ? [] : changedFile(old, { ...now, services });
  });
  return {
    added: only(after, before),
    removed: only(before, after),
    files,
    pipelines: changedPipelines(pipelinesOf(before), pipelinesOf(after)),
  };
}

function changedFile(old: PlannedFile, now: PlannedFile): ReloadChange[] {
  const [[, file] = []] = now.services;
  if (file === undefined || old.content.equals(now.content)) return [];
  const [[, was] = []] = old.services;
  // A refused configuration has the present services, which describe the old content. A service whose plan it refuses is known only to have
  // read the file, which may then be a secret: the plan before tells.
  const described = {
    ...file,
    ...(was !== undefined && { secret: was.secret === true }),
    ...(file === was && { says: undefined }),
  };
  return [
    {
      option: file.option,
      old: shown(was, old.content),
      new: shown(described, now.content),
      where: now.where,
      effect: 'applied',
      file: file.path,
      services: [...now.services.keys()],
    },
  ];
}

/** Returns a short description of the content, enough to distinguish two files. */
function shown(file: ServiceFile | undefined, content: Buffer): string {
  if (file?.secret === true) return masked;
  const short = `sha256 ${createHash('sha256').update(content).digest('hex').slice(0, 12)}`;
  return file?.says === undefined ? short : `${file.says}, ${short}`;
}

type Pipelines = NonNullable<ServicePlan['pipelines']>;

function pipelinesOf({ plans }: ServicePlans): Pipelines {
  return new Map([...plans.values()].flatMap(({ pipelines = [] }) => [...pipelines]));
}

/** Returns the change of each pipeline, in the order of the new ones; removed pipelines come last. */
function changedPipelines(before: Pipelines, after: Pipelines): PipelineChange[] {
  return [...new Set([...after.keys(), ...before.keys()])].flatMap((pipeline) => {
    const [old, now] = [before.get(pipeline) ?? [], after.get(pipeline) ?? []];
    return isDeepStrictEqual(old, now) ? [] : [{ pipeline, ...orderChanges(old, now) }];
  });
}
