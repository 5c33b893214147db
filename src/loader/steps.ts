/**
 * Steps that remain in a load, in PasteDeploy's order: factories to resolve and errors to refuse. So the first error reported is the same as in
 * PasteDeploy, and a file can be inspected without modules.
 */
import { didYouMean, errorText, loadFailure, MORE_ERRORS, type Origin } from '../errors/index.js';
import { wordsOf } from '../ini/index.js';
import { whileLoading } from '../process/index.js';
import { aboutFunction, counterpartOfEntry } from './counterparts.js';
import type { Context } from './load-context.js';
import { aliasLine, firstNames, PasteError } from './paste-error.js';
import type { Reference } from './reference.js';
import { DefaultResolver, type EntryPoints, entryPointsOf, factoryOf, type Resolver } from './resolver.js';
import { type Kind, PROTOCOLS } from './section.js';
import { originOf, type Setting } from './source.js';
import { standInFor } from './stand-ins.js';

/** A factory or distribution to resolve, or an error. */
type Step = { readonly reference: Reference; readonly run: () => Promise<void> } | { readonly issue: unknown };

/** The steps of one load. */
export class Steps {
  readonly #resolver: Resolver;
  #steps: Step[] = [];
  readonly #aliasErrors: unknown[] = [];
  /** Factories by expression and file, because many sections of a large file name few factories. */
  readonly #known = new Map<string, unknown>();

  readonly #standIns: boolean;

  /** `standIns`: a factory that is not installed gets a stand-in. */
  constructor(resolver: Resolver, standIns = false) {
    this.#resolver = resolver;
    this.#standIns = standIns;
  }

  /** Adds an error after `reference`. */
  issue(error: unknown, reference: Reference): void {
    this.#steps.push({ issue: reference.explain(error) });
  }

  /** Adds an error in the aliases of a file, found while a factory is resolved. */
  aliasError(error: unknown): void {
    this.#aliasErrors.push(error);
  }

  /** Adds the factory of a protocol option or `call:`. */
  expression(context: Context, expression: string, kind: 'protocol' | 'call'): void {
    const key = `${kind} ${expression} ${placeOf(context).file}`;
    const resolve = async (origin: Origin): Promise<unknown> => {
      const value = await ask(origin, expression, () => this.#resolver.expression(expression, kind, origin));
      if (typeof value === 'function') this.#known.set(key, value);
      return value;
    };
    const known = this.#known.get(key);
    if (known === undefined) this.#factory(context, resolve);
    else Object.assign(context.factory!, { value: known, resolved: true });
  }

  /**
   * Adds the factory of an `egg:` reference: the distribution's entry point of that name in one of the kind's groups. The group is the
   * protocol.
   */
  entryPoint(context: Context, distribution: string, name: string): void {
    const { kind } = context;
    this.#factory(context, async (origin) => {
      const groups = await this.#distribution(distribution, origin, name).catch((error: unknown) => {
        throw withProposal(error, kind, distribution, name);
      });
      const found = PROTOCOLS[kind].flatMap(
        (group) => group.find((candidate) => entryPointsOf(groups, candidate).has(name)) ?? [],
      );
      const [protocol, ...others] = found;
      if (protocol === undefined) {
        const error = noEntryPoint(await this.#distribution(distribution, origin), kind, distribution, name, origin);
        const resolver = this.#resolver;
        const isAliasOnly = resolver instanceof DefaultResolver && !resolver.isInstalled(distribution, origin);
        throw isAliasOnly ? withProposal(error, kind, distribution, name) : error;
      }
      if (others.length > 0) {
        throw new PasteError('PORTICO_PASTE_AMBIGUOUS_ENTRY_POINT', {
          message: `"${name}" of the distribution "${distribution}" is in several groups: ${found.join(', ')}.`,
          hint: 'Write the factory itself, with one of these options.',
          origin,
        });
      }
      context.protocol = protocol;
      const entry = entryPointsOf(groups, protocol).get(name);
      return ask(origin, `egg:${distribution}#${name}`, () => factoryOf(entry));
    });
  }

  /** Adds the distributions of `require = a b`; each must exist. */
  required(setting: Setting, reference: Reference): void {
    for (const { text, start } of wordsOf(setting.value)) {
      const run = async () => void (await this.#distribution(text, originOf(setting, start).origin));
      this.#steps.push({ reference, run });
    }
  }

  /** True if there is an error among the steps. */
  get refuses(): boolean {
    return this.#steps.some((step) => 'issue' in step);
  }

  /** Removes all steps and returns the errors among them; nothing is resolved. */
  drop(): unknown[] {
    const steps = this.#steps;
    this.#steps = [];
    return steps.flatMap((step) => ('issue' in step ? [step.issue] : []));
  }

  /** Runs the steps in order, and yields every error: those of the file, and failures to resolve a factory. */
  async *resolve(): AsyncGenerator<unknown, void> {
    const steps = this.#steps;
    this.#steps = [];
    for (const step of steps) {
      if ('issue' in step) {
        yield step.issue;
        continue;
      }
      const failure: unknown[] = [];
      await step.run().catch((error: unknown) => failure.push(error));
      // An error in the aliases is reported before its consequences.
      for (const error of [...this.#aliasErrors.splice(0), ...failure]) yield step.reference.explain(error);
    }
  }

  #factory(context: Context, resolve: (origin: Origin) => Promise<unknown>): void {
    const factory = context.factory!;
    const run = async (): Promise<void> => {
      factory.value = await resolve(placeOf(context)).catch((error: unknown) => {
        const standIn = this.#standIns ? standInFor(context, error) : undefined;
        if (standIn === undefined) throw withNote(error, context);
        factory.isUnknown = true;
        return standIn;
      });
      factory.resolved = true;
    };
    this.#steps.push({ reference: context.reference, run });
  }

  async #distribution(name: string, origin: Origin, entry?: string): Promise<EntryPoints> {
    if (name === '') {
      throw new PasteError('PORTICO_PASTE_BAD_VALUE', {
        message: 'a distribution name is required after "egg:".',
        origin,
      });
    }
    return ask(origin, name, () => this.#resolver.distribution(name, origin, entry));
  }
}

async function ask<T>(origin: Origin, what: string, work: () => T): Promise<Awaited<T>> {
  try {
    return (await whileLoading(() => `${origin.file}:${origin.line}:${origin.column}: ${what}`, work)) as Awaited<T>;
  } catch (error) {
    if (error instanceof PasteError) throw error;
    const failure = loadFailure(what, errorText(error));
    throw new PasteError('PORTICO_PASTE_NO_MODULE', { ...failure, origin, cause: error });
  }
}

/** Says of a factory that cannot be called that it hides the errors of its options, and of an app's routes. */
function withNote(error: unknown, { kind, localConf }: Context): unknown {
  const mayHide = kind === 'app' || localConf.size > 0;
  return mayHide && error instanceof PasteError ? error.with({ note: MORE_ERRORS }) : error;
}

/** Returns the location that names a factory, or the start of its file. */
function placeOf({ factory, answerer }: Context): Origin {
  if (factory?.origin !== undefined) return factory.origin;
  return answerer.form === 'file' ? answerer.source.start : { file: '', line: 1, column: 1 };
}

/** Adds a proposed alias to the error for a distribution, or its entry point, which may be a Python package's. */
function withProposal(error: unknown, kind: Kind, distribution: string, name: string): unknown {
  if (!(error instanceof PasteError) || !/NO_(?:PACKAGE|ENTRY_POINT)$/.test(error.code)) return error;
  const from = `egg:${distribution}#${name}`;
  const about = aboutFunction(from);
  const isNear = about === undefined && error.hint?.startsWith('Did you mean') === true;
  if (isNear || !/^[A-Za-z][\w.-]*$/.test(distribution)) return error;
  const counterpart = counterpartOfEntry(kind, name);
  const protocol = `paste.${/:(?:urlmap|cascade)$/.test(counterpart ?? '') ? 'composite' : kind}_factory`;
  const alias = { from, target: counterpart ?? `./${distribution.replaceAll('.', '/')}.js:${name}`, protocol };
  const say =
    counterpart !== undefined
      ? 'By its name, this is the replacement; add it to [portico:aliases], or name a module:'
      : about === undefined
        ? 'If it is a Python distribution, map it in [portico:aliases]:'
        : `${about} Map it in [portico:aliases]:`;
  return error.with({ alias, hint: `${say}\n    ${aliasLine(alias)}` });
}

function noEntryPoint(groups: EntryPoints, kind: Kind, distribution: string, name: string, origin: Origin): PasteError {
  const names = [...new Set(PROTOCOLS[kind].flat().flatMap((group) => [...entryPointsOf(groups, group).keys()]))];
  const there = names.length === 0 ? `It has none for ${kind}s.` : `It has: ${firstNames(names)}.`;
  return new PasteError('PORTICO_PASTE_NO_ENTRY_POINT', {
    message: `the distribution "${distribution}" has no ${kind} entry point ${JSON.stringify(name)}.`,
    hint: [didYouMean(name, names), there].filter((part) => part !== undefined).join(' '),
    origin,
  });
}
