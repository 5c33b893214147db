/**
 * What a factory is told about its section, and what it may register for the end.
 */
import type { Conf, FactoryContext, Section } from '../app/index.js';
import type { Config, WrittenValue } from '../config/index.js';
import type { Logger } from '../log/index.js';
import type { Awaitable } from '../service/index.js';
import type { Context } from './context.js';

/** The section a factory is called for. */
export function sectionOf(context: Context): Section {
  const options = new Map<string, WrittenValue>();
  for (const [name, { value, option }] of context.localConf) options.set(name, { value, origin: option.origin });
  const { prefix, name, origin } = context.named;
  return { kind: KINDS.get(prefix) ?? prefix, name, origin: origin() ?? NOWHERE, options };
}

const KINDS: ReadonlyMap<string, string> = new Map([
  ['application', 'app'],
  ['composit', 'composite'],
]);

/** Of a factory that a program named itself: it stands in no file. */
const NOWHERE = Object.freeze({ file: '', line: 1, column: 1 });

/** What factories are given beside their configuration. */
export interface FactorySurroundings {
  readonly config: Config;
  readonly service?: string | undefined;
  readonly log: Logger;
  readonly releases: Pick<Releases, 'add'>;
}

/** The arguments of a context's factory. The maps are its own: what it does with them is seen by nobody else. */
export function argumentsFor(
  context: Context,
  { config, service, log, releases }: FactorySurroundings,
): { globalConf: Conf; localConf: Conf; ctx: FactoryContext } {
  let section: Section | undefined;
  let own: Logger | undefined;
  const ctx: FactoryContext = {
    get section() {
      section ??= sectionOf(context);
      return section;
    },
    config,
    service,
    get log() {
      own ??= log.child({ section: context.named.name });
      return own;
    },
    onClose: (release) => releases.add(release),
  };
  const localConf = new Map<string, string>();
  for (const [name, { value }] of context.localConf) localConf.set(name, value);
  return { globalConf: new Map(context.globalConf), localConf, ctx };
}

/** What factories acquired, to be released in reverse order. */
export class Releases {
  #registered: (() => Awaitable<void>)[] = [];

  add(release: () => Awaitable<void>): void {
    this.#registered.push(release);
  }

  /** Runs each once, last registered first; all run even when one throws, and the first error is thrown at the end. */
  async run(): Promise<void> {
    const registered = this.#registered;
    this.#registered = [];
    const errors: unknown[] = [];
    for (const release of registered.reverse()) {
      try {
        await release();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
