/**
 * What a load has still to do, and what it has to refuse, in the order in which PasteDeploy would come upon it: factories
 * to be resolved, and mistakes. So the first mistake that is told is the same, and questions about a file need no modules.
 */
import { didYouMean, errorText, type Origin } from '../errors/index.js';
import { wordsOf } from '../ini/index.js';
import { whileLoading } from '../process/index.js';
import type { Context } from './context.js';
import { PasteError, pasteCode, refuse } from './paste-error.js';
import type { Reference } from './reference.js';
import { type EntryPoints, entryPointsOf, factoryOf, type Resolver } from './resolver.js';
import { type Kind, PROTOCOLS } from './section.js';
import { originOf, type Setting } from './source.js';

interface Step {
  readonly reference: Reference;
  /** Resolves something. Undefined: there is a mistake. */
  readonly run?: () => Promise<void>;
  readonly mistake?: unknown;
}

/** The steps of one load. */
export class Steps {
  readonly #resolver: Resolver;
  #steps: Step[] = [];
  readonly #aliasMistakes: unknown[] = [];

  constructor(resolver: Resolver) {
    this.#resolver = resolver;
  }

  /** Something to refuse, behind `reference`. */
  mistake(error: unknown, reference: Reference): void {
    this.#steps.push({ reference, mistake: reference.explain(error) });
  }

  /** Something to refuse in the aliases of a file, come upon while a factory is resolved. */
  aliasMistake(error: unknown): void {
    this.#aliasMistakes.push(error);
  }

  /** After a protocol option or `call:`. */
  expression(context: Context, expression: string, kind: 'protocol' | 'call'): void {
    const factory = context.factory!;
    this.#add(context.reference, async () => {
      const origin = originOr(factory.origin, context);
      factory.value = await ask(origin, expression, () => this.#resolver.expression(expression, kind, origin));
      factory.resolved = true;
    });
  }

  /** `egg:`: the distribution's entry point of that name in one of the kind's groups, which is the protocol. */
  entryPoint(context: Context, distribution: string, name: string): void {
    const { kind } = context;
    const factory = context.factory!;
    this.#add(context.reference, async () => {
      const origin = originOr(factory.origin, context);
      const groups = await this.#distribution(distribution, origin).catch((error: unknown) => {
        throw withProposal(error, kind, distribution, name);
      });
      const found = PROTOCOLS[kind].flatMap((group) => {
        const protocol = group.find((candidate) => entryPointsOf(groups, candidate).has(name));
        return protocol === undefined ? [] : [protocol];
      });
      const [protocol, ...others] = found;
      if (protocol === undefined) throw noEntryPoint(groups, kind, distribution, name, origin);
      if (others.length > 0) {
        throw refuse('ambiguous-entry-point', {
          message: `"${name}" of the distribution "${distribution}" is in several groups: ${found.join(', ')}.`,
          hint: 'Name the factory itself, with one of these as the option.',
          origin,
        });
      }
      context.protocol = protocol;
      const entry = entryPointsOf(groups, protocol).get(name);
      factory.value = await ask(origin, `egg:${distribution}#${name}`, () => factoryOf(entry));
      factory.resolved = true;
    });
  }

  /** `require = a b`: each must exist. */
  required(setting: Setting, reference: Reference): void {
    for (const { text, start } of wordsOf(setting.value)) {
      this.#add(reference, async () => {
        await this.#distribution(text, originOf(setting, start).origin);
      });
    }
  }

  /** True once there is a mistake among the steps. */
  get refuses(): boolean {
    return this.#steps.some(({ run }) => run === undefined);
  }

  /** The mistakes among the steps that are left; nothing is resolved, and no step is left then. */
  drop(): unknown[] {
    const steps = this.#steps;
    this.#steps = [];
    return steps.filter(({ run }) => run === undefined).map(({ mistake }) => mistake);
  }

  /** Takes the steps in order. Throws the first mistake, or what the first factory that cannot be resolved says. */
  async resolve(): Promise<void> {
    const { done, value } = await this.resolveAll().next();
    if (done !== true) throw value;
  }

  /** Takes the steps in order, and gives every error. */
  async *resolveAll(): AsyncGenerator<unknown, void> {
    const steps = this.#steps;
    this.#steps = [];
    for (const { reference, mistake, run } of steps) {
      if (run === undefined) {
        yield mistake;
        continue;
      }
      let failure: unknown[] = [];
      try {
        await run();
      } catch (error) {
        failure = [error];
      }
      // A mistake in the aliases that were asked stands before what came of it.
      for (const error of [...this.#aliasMistakes.splice(0), ...failure]) yield reference.explain(error);
    }
  }

  #add(reference: Reference, run: () => Promise<void>): void {
    this.#steps.push({ reference, run });
  }

  async #distribution(name: string, origin: Origin): Promise<EntryPoints> {
    if (name === '') {
      throw refuse('bad-value', { message: 'a distribution name is required after "egg:".', origin });
    }
    return ask(origin, name, () => this.#resolver.distribution(name, origin));
  }
}

async function ask<T>(origin: Origin, what: string, work: () => T): Promise<Awaited<T>> {
  try {
    return (await whileLoading(() => `${origin.file}:${origin.line}:${origin.column}: ${what}`, work)) as Awaited<T>;
  } catch (error) {
    if (error instanceof PasteError) throw error;
    const reason = errorText(error);
    const message = `${JSON.stringify(what)} cannot be loaded: ${reason}`;
    throw refuse('no-module', { message, origin, cause: error });
  }
}

function originOr(origin: Origin | undefined, context: Context): Origin {
  if (origin !== undefined) return origin;
  const { answerer } = context;
  return answerer.form === 'file' ? answerer.source.start : { file: '', line: 1, column: 1 };
}

/** A distribution that is not there may be Python's: the line that would say what stands for it here. */
function withProposal(error: unknown, kind: Kind, distribution: string, name: string): unknown {
  if (!(error instanceof PasteError) || error.code !== pasteCode('no-package')) return error;
  if (error.hint !== undefined || !/^[A-Za-z][\w.-]*$/.test(distribution)) return error;
  const proposal = `egg:${distribution}#${name}    ./${distribution.replaceAll('.', '/')}.js:${name}    paste.${kind}_factory`;
  const hint = `If it is a Python distribution, say in [portico:aliases] what stands for it here:\n    ${proposal}`;
  return error.with({ proposal, hint });
}

function noEntryPoint(groups: EntryPoints, kind: Kind, distribution: string, name: string, origin: Origin): PasteError {
  const names = [...new Set(PROTOCOLS[kind].flat().flatMap((group) => [...entryPointsOf(groups, group).keys()]))];
  const there = names.length === 0 ? `It has none for ${kind}s.` : `It has: ${names.slice(0, 10).join(', ')}.`;
  return refuse('no-entry-point', {
    message: `the distribution "${distribution}" has no ${kind} entry point ${JSON.stringify(name)}.`,
    hint: [didYouMean(name, names), there].filter((part) => part !== undefined).join(' '),
    origin,
  });
}
