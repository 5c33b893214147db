/**
 * Judgement of a configuration by the services that were built from it: each knows what its own code declares.
 */
import type { Config } from '../../config/index.js';
import { isUnknownName, isUnknownSection, mayBeKnownLater, suggestion } from '../../config/internal.js';
import { type Diagnostic, inOrder } from '../../errors/index.js';
import type { Awaitable, ServiceBase } from '../../service/index.js';

/** Time to find further mistakes of a configuration that is refused already, in milliseconds. */
export const MORE_MISTAKES_MS = 5000;

/** A service that judges the configuration of its program itself. */
export interface Judging {
  /** Returns warnings after the build. Rejects with all mistakes of the program, also if `failure` has ended the build. */
  judge?(failure?: unknown): Awaitable<readonly Diagnostic[]>;
}

/** Builds a service, and judges the configuration. Returns its findings, and the release of the build. Rejects with all mistakes. */
export async function builtAndJudged(service: ServiceBase & Judging, config: Config | undefined) {
  const failures: unknown[] = [];
  const letGo = await Promise.resolve(service.prepare?.()).catch((error: unknown) => void failures.push(error));
  try {
    return { found: await judgeAfter([service], failures, config), letGo };
  } catch (error) {
    await letGo?.();
    throw error;
  }
}

/**
 * Judges a configuration after the build of services from it. Returns warnings; rejects with all mistakes, or with the first of `failures`
 * if it is no refusal. Without a configuration nothing is judged. The judge knows all declarations, so its directory is above this one: it
 * is imported by its name.
 */
export async function judgeAfter(
  services: readonly (ServiceBase & Judging)[],
  failures: readonly unknown[],
  config: Config | undefined,
): Promise<readonly Diagnostic[]> {
  const [failure] = failures;
  const own = services.length === 1 ? services[0]!.judge : undefined;
  const judge = async (): Promise<readonly Diagnostic[]> => {
    if (own !== undefined) return own(failure);
    if (config === undefined) return [];
    return (await import('#internal/cli')).judgement(config, { services, failures, embeds: true });
  };
  const found = await judge();
  if (failures.length > 0) throw failure;
  return found;
}

/**
 * Joins the findings of all services. A name is unknown if each of them says so, and the program's configuration as well; it is told once,
 * with the nearest of the names that they know. A section without a hint is not told: code that is loaded later may know it.
 */
export function toldByAll(services: readonly (readonly Diagnostic[])[], config?: Config): readonly Diagnostic[] {
  const all = services.flat();
  // Findings of a paste file are not the configuration's.
  const isShared = (each: Diagnostic): boolean =>
    isUnknownSection(each) || (isUnknownName(each) && each.section === 'DEFAULT');
  const told = all.filter((each) => !isShared(each));
  if (told.length === all.length) return inOrder(told);
  const sources = config === undefined ? services : [...services, config.problems()];
  for (const one of all.filter(isShared)) {
    const isSame = (other: Diagnostic): boolean =>
      isShared(other) && other.section === one.section && other.place?.detail === one.place?.detail;
    if (told.some(isSame) || !sources.every((each) => each.some(isSame))) continue;
    const hints = all.flatMap((each) => (isSame(each) && each.hint !== undefined ? [each.hint] : []));
    const names = hints.flatMap((hint) => [...hint.matchAll(NEAR)].map(([, name]) => name!));
    const near = isUnknownSection(one) ? suggestion(one.section ?? '', names) : undefined;
    const found = { ...one, hint: near ?? hints.find((each) => each.startsWith('did you mean')) ?? hints[0] };
    if (!mayBeKnownLater(found)) told.push(found);
  }
  return inOrder(told);
}

/** A name in the hint with the nearest names. */
const NEAR = /(?<=^did you mean .*)'([^']+)'/g;
