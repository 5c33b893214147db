/**
 * Distributions without an alias: packages that announce factories in their `package.json`, under `portico`, in
 * PasteDeploy's groups.
 */
import { readdirSync } from 'node:fs';
import { findPackage, moduleFolders } from '../service/internal.js';
import { normalDistribution } from './aliases.js';

/** Announced factories: group, entry point, expression relative to the package's folder. */
export interface Announced {
  readonly folder: string;
  readonly groups: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

/** The package a distribution name means, seen from a folder: exactly that name, else one equal but for spelling. */
export function announcedBy(distribution: string, from: string): Announced | undefined {
  if (!/^(@[\w.-]+\/)?[\w.-]+$/.test(distribution) || /^\.+$/.test(distribution)) return undefined;
  const found = findPackage(distribution, from) ?? findPackage(spelt(distribution, from) ?? '', from);
  if (found === undefined || found.manifest.name === undefined) return undefined;
  const groups = new Map<string, Map<string, string>>();
  for (const [group, entries] of Object.entries((found.manifest.portico ?? {}) as object)) {
    const names = Object.entries((entries ?? {}) as object).filter(([, target]) => typeof target === 'string');
    groups.set(group, new Map(names as [string, string][]));
  }
  return { folder: found.folder, groups };
}

/** Names of packages beside a file, for suggestions: those of the program are mostly what its dependencies need. */
export function reachablePackages(from: string): string[] {
  return namesIn(moduleFolders(from, [from]));
}

function namesIn(folders: Iterable<string>): string[] {
  return [...folders].flatMap((folder) => readdirSync(folder).filter((name) => !name.startsWith('.')));
}

function spelt(distribution: string, from: string): string | undefined {
  const wanted = normalDistribution(distribution);
  return namesIn(moduleFolders(from)).find((name) => normalDistribution(name) === wanted);
}
