/**
 * What a reload changes beside options, for its report: the content of certificates and paste files whose names are the
 * same, and the pipelines of services.
 */

import { readFileSync } from 'node:fs';
import type { Config, ReportedChange } from '../../config/index.js';
import { ignoreErrors, placeOf } from '../../errors/index.js';
import type { ServiceBase, ServiceFile } from '../../service/index.js';
import { serviceName } from '../launcher.js';
import type { RestartMethod } from '../launcher-options.js';
import { digest } from './file-changes.js';

/** One change of a reload: of an option's value, or of what stands in the file that it names. */
export interface ReloadChange extends ReportedChange {
  /** The file, of a change of its content. */
  readonly file?: string;
  /** The services whose certificate or pipelines are made of it, and are other ones now. */
  readonly services?: readonly string[];
  /** The pipelines of those services that are not what they were. */
  readonly pipelines?: readonly string[];
}

/** Files by the option that names them and their path, at one moment. */
type FilesRead = ReadonlyMap<string, KnownFile>;

interface KnownFile {
  readonly digest: string;
  readonly where: string;
  /** By service. */
  readonly files: ReadonlyMap<string, ServiceFile>;
}

/** The files that services read of a configuration. Of a service that cannot tell, none: the check of the reload says why. */
export function filesRead(services: Iterable<ServiceBase>, config: Config | undefined): FilesRead {
  const all = new Map<string, { digest: string; where: string; files: Map<string, ServiceFile> }>();
  if (config === undefined) return all;
  for (const service of services) {
    for (const file of ignoreErrors(() => service.files?.(config)) ?? []) {
      const key = `${file.option} ${file.path}`;
      const known =
        all.get(key) ?? ignoreErrors(() => ({ ...stateOf(file, config), files: new Map<string, ServiceFile>() }));
      if (known === undefined) continue;
      known.files.set(serviceName(service), file);
      all.set(key, known);
    }
  }
  return all;
}

/** What differs. A mutate reads no paste file: one that is another on disk waits for a restart. */
export function changedFiles(before: FilesRead, after: FilesRead, method: RestartMethod): ReloadChange[] {
  return [...after].flatMap(([key, now]) => {
    const old = before.get(key);
    const [[, file] = []] = now.files;
    if (old === undefined || file === undefined) return [];
    const kept = old.digest === now.digest;
    const onDisk = kept ? ignoreErrors(() => digest(readFileSync(file.path))) : now.digest;
    if (onDisk === undefined || onDisk === old.digest || (kept && method === 'reload')) return [];
    const touched = [...now.files].map(([name, { pipelines }]) => concerned(name, old.files.get(name), pipelines));
    const concerns = kept ? [...now.files.keys()] : touched.flatMap(({ services }) => services);
    const [[, was] = []] = old.files;
    return [
      {
        option: file.option,
        old: shown(was, old.digest),
        new: shown(kept ? undefined : file, onDisk),
        where: now.where,
        effect: kept ? 'needs a restart' : method === 'mutate' ? 'applied now' : 'by new workers',
        file: file.path,
        services: concerns,
        ...(file.pipelines === undefined || kept ? {} : { pipelines: touched.flatMap(({ pipelines }) => pipelines) }),
      },
    ];
  });
}

function concerned(
  name: string,
  before: ServiceFile | undefined,
  after: ServiceFile['pipelines'],
): { services: string[]; pipelines: string[] } {
  if (after === undefined) return { services: [name], pipelines: [] };
  const was = before?.pipelines ?? new Map();
  const pipelines = [...new Set([...after.keys(), ...was.keys()])].filter((each) => after.get(each) !== was.get(each));
  return { services: pipelines.length > 0 ? [name] : [], pipelines };
}

function stateOf({ path, option }: ServiceFile, config: Config): { digest: string; where: string } {
  const dot = option.lastIndexOf('.');
  const location = config.getLocation(option.slice(0, dot), option.slice(dot + 1));
  return { digest: digest(config.readFile(path)), where: placeOf(location) || 'default' };
}

/** Content in a word: enough to tell which of two files it is. */
function shown(file: ServiceFile | undefined, content: string): string {
  if (file?.secret === true) return '****';
  const short = `sha256 ${Buffer.from(content, 'base64').toString('hex').slice(0, 12)}`;
  return file?.says === undefined ? short : `${file.says}, ${short}`;
}

/** One pipeline that is not what it was. A new one has all its parts added, one that is gone all of them removed. */
export interface PipelineChange {
  readonly pipeline: string;
  /** Filters and apps, by name. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Those that are in both and stand elsewhere among the others: the fewest that explain the new order. */
  readonly moved: readonly string[];
}

type Outline = ReadonlyMap<string, readonly string[]>;

/** The pipelines of services, as a configuration has them. Of one that cannot tell, none: others say why. */
export function outlineOf(services: Iterable<ServiceBase>, config: Config | undefined): Outline {
  const all = new Map<string, readonly string[]>();
  if (config === undefined) return all;
  for (const service of services) {
    for (const [name, parts] of told(service, config)) all.set(name, parts);
  }
  return all;
}

/** What became of each pipeline, in the order of the new ones; those that are gone last. */
export function compareOutlines(before: Outline, after: Outline): PipelineChange[] {
  const names = new Set([...after.keys(), ...before.keys()]);
  return [...names]
    .map((pipeline) => ({ pipeline, ...compared(before.get(pipeline) ?? [], after.get(pipeline) ?? []) }))
    .filter(({ added, removed, moved }) => added.length + removed.length + moved.length > 0);
}

function told(service: ServiceBase, config: Config): Outline {
  try {
    return service.outline?.(config) ?? new Map();
  } catch {
    // The check of the reload finds the same mistake, and refuses it with its place.
    return new Map();
  }
}

function compared(before: readonly string[], after: readonly string[]): Omit<PipelineChange, 'pipeline'> {
  const [old, now] = [numbered(before), numbered(after)];
  const common = now.filter((part) => old.includes(part));
  const inOrder = longestRun(common.map((part) => old.indexOf(part)));
  const names = (parts: readonly string[]): string[] => parts.map((part) => part.slice(part.indexOf(' ') + 1));
  return {
    added: names(now.filter((part) => !old.includes(part))),
    removed: names(old.filter((part) => !now.includes(part))),
    moved: names(common.filter((part) => !inOrder.has(old.indexOf(part)))),
  };
}

/** A filter may stand twice in a pipeline: each has its number among those of its name in front. */
function numbered(parts: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return parts.map((part) => {
    const number = (seen.get(part) ?? 0) + 1;
    seen.set(part, number);
    return `${number} ${part}`;
  });
}

/** The longest part of a list of different numbers that rises. */
function longestRun(numbers: readonly number[]): ReadonlySet<number> {
  const best: number[][] = [];
  for (const [at, number] of numbers.entries()) {
    const before = best.slice(0, at).filter((run) => run.at(-1)! < number);
    const longest = before.reduce<number[]>((one, other) => (other.length > one.length ? other : one), []);
    best.push([...longest, number]);
  }
  return new Set(best.reduce((one, other) => (other.length > one.length ? other : one), []));
}
