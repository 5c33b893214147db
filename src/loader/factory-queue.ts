/**
 * Factories waiting to be resolved: in the order in which PasteDeploy would have imported them.
 */
import { didYouMean, type Origin } from '../errors/index.js';
import { type PasteSection, wordsOf } from '../ini/index.js';
import { whileLoading } from '../process/index.js';
import type { Context, Trail } from './context.js';
import { PasteError, pasteCode, refuse } from './paste-error.js';
import { entryPointsOf, factoryOf, type Resolver } from './resolver.js';
import { type Kind, PROTOCOLS } from './section.js';
import { multipleProtocols, noLoader } from './section-errors.js';
import { placeOf, type Setting, type Source } from './source.js';
import { withWay } from './way.js';

interface Waiting {
  readonly trail: Trail;
  readonly run: () => Promise<void>;
}

/** Collects what a load has to resolve, and resolves it one after the other. */
export class FactoryQueue {
  readonly #resolver: Resolver;
  #waiting: Waiting[] = [];

  constructor(resolver: Resolver) {
    this.#resolver = resolver;
  }

  /** After a protocol option or `call:`. */
  expression(context: Context, expression: string, kind: 'protocol' | 'call'): void {
    const factory = context.factory!;
    this.#add(context.trail, async () => {
      const origin = originOr(factory.origin(), context);
      factory.value = await this.#ask(origin, expression, () => this.#resolver.expression(expression, kind, origin));
      factory.resolved = true;
    });
  }

  /** `egg:`: the distribution's entry point of that name in one of the kind's groups, which is the protocol. */
  entryPoint(context: Context, distribution: string, name: string): void {
    const factory = context.factory!;
    this.#add(context.trail, async () => {
      const origin = originOr(factory.origin(), context);
      const groups = await this.#distribution(distribution, origin).catch((error: unknown) => {
        throw withProposal(error, context.kind, distribution, name);
      });
      const found = PROTOCOLS[context.kind].flatMap((group) => {
        const protocol = group.find((candidate) => entryPointsOf(groups, candidate).has(name));
        return protocol === undefined ? [] : [protocol];
      });
      const [protocol, ...others] = found;
      if (protocol === undefined) throw noEntryPoint(groups, context.kind, distribution, name, origin);
      if (others.length > 0) {
        throw refuse('ambiguous-entry-point', {
          message: `"${name}" of the distribution "${distribution}" is in several groups: ${found.join(', ')}.`,
          hint: 'Name the factory itself, with one of these as the option.',
          origin,
        });
      }
      context.protocol = protocol;
      factory.value = await this.#ask(origin, `egg:${distribution}#${name}`, () =>
        factoryOf(entryPointsOf(groups, protocol).get(name)),
      );
      factory.resolved = true;
    });
  }

  /** `require = a b`: each must exist. */
  required(setting: Setting, trail: Trail): void {
    for (const { text, start } of wordsOf(setting.value)) {
      this.#add(trail, async () => {
        await this.#distribution(text, placeOf(setting, start).origin);
      });
    }
  }

  /** Resolves what is waiting, in order; the first that cannot be resolved ends it. */
  async resolve(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { trail, run } of waiting) {
      try {
        await run();
      } catch (error) {
        throw withWay(error, trail);
      }
    }
  }

  /** Resolves what is waiting and gives every error, not just the first. */
  async resolveAll(): Promise<unknown[]> {
    const waiting = this.#waiting;
    this.#waiting = [];
    const errors: unknown[] = [];
    for (const { trail, run } of waiting) {
      try {
        await run();
      } catch (error) {
        errors.push(withWay(error, trail));
      }
    }
    return errors;
  }

  #add(trail: Trail, run: () => Promise<void>): void {
    this.#waiting.push({ trail, run });
  }

  async #distribution(name: string, origin: Origin): Promise<Awaited<ReturnType<Resolver['distribution']>>> {
    if (name === '') {
      throw refuse('bad-value', { message: 'a distribution name is required after "egg:".', origin });
    }
    return this.#ask(origin, name, () => this.#resolver.distribution(name, origin));
  }

  async #ask<T>(origin: Origin, what: string, ask: () => T): Promise<Awaited<T>> {
    try {
      return (await whileLoading(() => `${origin.file}:${origin.line}:${origin.column}: ${what}`, ask)) as Awaited<T>;
    } catch (error) {
      if (error instanceof PasteError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw refuse('no-module', {
        message: `${JSON.stringify(what)} cannot be loaded: ${reason}`,
        origin,
        cause: error,
      });
    }
  }
}

function originOr(origin: Origin | undefined, context: Context): Origin {
  if (origin !== undefined) return origin;
  const { answerer } = context;
  return answerer.form === 'file' ? answerer.source.start : { file: '', line: 1, column: 1 };
}

/** The protocol option of a section without `use`. */
export function explicitFactory(
  source: Source,
  section: PasteSection,
  kind: Kind,
  localConf: ReadonlyMap<string, Setting>,
): { protocol: string; setting: Setting } {
  const found = PROTOCOLS[kind].flatMap((group) => {
    const protocol = group.find((candidate) => localConf.has(candidate));
    return protocol === undefined ? [] : [{ protocol, setting: localConf.get(protocol)! }];
  });
  const [first, second] = found;
  if (first === undefined) throw noLoader(source, section, kind);
  if (second !== undefined) throw multipleProtocols(first.protocol, second.protocol, second.setting);
  return first;
}

/** A distribution that is not there may be Python's: the line that would say what stands for it here. */
function withProposal(error: unknown, kind: Kind, distribution: string, name: string): unknown {
  if (!(error instanceof PasteError) || error.code !== pasteCode('no-package')) return error;
  if (error.hint !== undefined || !/^[A-Za-z][\w.-]*$/.test(distribution)) return error;
  const proposal = `egg:${distribution}#${name}    ./${distribution.replaceAll('.', '/')}.js:${name}    paste.${kind}_factory`;
  const hint = `If it is a Python distribution, say in [portico:aliases] what stands for it here:\n    ${proposal}`;
  return error.with({ proposal, hint });
}

function noEntryPoint(
  groups: Parameters<typeof entryPointsOf>[0],
  kind: Kind,
  distribution: string,
  name: string,
  origin: Origin,
): PasteError {
  const names = [...new Set(PROTOCOLS[kind].flat().flatMap((group) => [...entryPointsOf(groups, group).keys()]))];
  const there = names.length === 0 ? `It has none for ${kind}s.` : `It has: ${names.slice(0, 10).join(', ')}.`;
  return refuse('no-entry-point', {
    message: `the distribution "${distribution}" has no ${kind} entry point ${JSON.stringify(name)}.`,
    hint: [didYouMean(name, names), there].filter((part) => part !== undefined).join(' '),
    origin,
  });
}
