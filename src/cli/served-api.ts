/**
 * An API of `api-cli` in the worker that serves it.
 */
import type { Config } from '../config/index.js';
import { isStranger, workerAssignment } from '../config/internal.js';
import type { Diagnostic } from '../errors/index.js';
import { WSGIService, type WSGIServiceOptions } from '../server/index.js';
import { hasNearName, unknownSections } from '../server/internal.js';
import { type JudgeOptions, judge, othersMayRead } from './judge.js';
import { refuseErrors } from './plan.js';
import { registerShippedOptions } from './shipped-options.js';

/** An API of `api-cli`. It judges names that only the application may have declared, where that is loaded. */
export class ServedApi extends WSGIService {
  readonly #config: Config;
  readonly #traceErrors: boolean;

  constructor(name: string, config: Config, options: WSGIServiceOptions & { readonly traceErrors: boolean }) {
    const { traceErrors, ...rest } = options;
    // Its names are judged here, with the options of all that ships.
    super(name, config, { ...rest, judged: true });
    this.#config = config;
    this.#traceErrors = traceErrors;
  }

  /** Sections of everything that ships are known, whether this API uses it or not. */
  override readonly unknownSections = async (config: Config = this.#config) => {
    const path = this.pasteFile;
    const found = await unknownSections(config, this.name, { path, declare: registerShippedOptions });
    if (found === undefined || found.length === 0 || !(await othersMayRead(config.copy()))) return found;
    return found.filter(hasNearName);
  };

  override async prepare(next: Config = this.#config): Promise<() => Promise<void>> {
    if (!this.#hasStrangers(next)) return super.prepare(next);
    await this.#refuseStrangers(next, false);
    const letGo = await super.prepare(next);
    try {
      // Its factories may have declared what they read.
      if (this.#hasStrangers(next)) await this.#refuseStrangers(next, { but: this.name });
      return letGo;
    } catch (error) {
      await letGo();
      throw error;
    }
  }

  /** With `--trace-errors` the stack of a failed start's cause is written in the process where it happened. */
  override async start(): Promise<void> {
    try {
      // The start takes over what is built here.
      if (this.#hasStrangers(this.#config)) await this.prepare();
      await super.start();
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      if (this.#traceErrors && cause instanceof Error) process.stderr.write(`${cause.stack ?? cause.message}\n`);
      throw error;
    }
  }

  /** Names that nothing here has declared. Looked for by the first worker, where an argument has them or under `strict_config`. */
  #hasStrangers(config: Config): boolean {
    const strict = config.resolve('DEFAULT', 'strict_config').value === true;
    const worker = workerAssignment()?.index ?? 0;
    return worker === 0 && (strict || config.arguments.length > 0) && config.problems().some(isStranger);
  }

  /** Those that nothing else has declared either. */
  async #refuseStrangers(config: Config, build: JudgeOptions['build']): Promise<void> {
    const { diagnostics } = await judge(config.copy(), { build });
    const here = config.problems().filter(isStranger);
    const isHere = ({ section, option }: Diagnostic): boolean =>
      here.some((each) => each.section === section && each.option === option);
    refuseErrors(diagnostics.filter((each) => isStranger(each) && isHere(each)));
  }
}
