/** Common parts of simulations: a source of random numbers, a clock, and the steps, which a failure shows. */
import { Random } from './random.js';
import { VirtualClock } from './virtual-clock.js';

export class World {
  readonly seed: number;
  readonly random: Random;
  readonly clock = new VirtualClock().use();
  readonly steps: string[] = [];
  readonly #told: (text: string) => void;
  #broken: string | undefined;

  /** `told` is called with each request and mishap before it happens. */
  constructor(seed: number, told: (text: string) => void) {
    this.seed = seed;
    this.random = new Random(seed);
    this.#told = told;
  }

  note(text: string): void {
    this.steps.push(`${(this.clock.now() / 1000).toFixed(3)} ${text}`);
  }

  /** Notes a request or a mishap. */
  say(text: string): void {
    this.note(`> ${text}`);
    this.#told(this.steps.at(-1)!);
  }

  /** A promise is broken: the next {@link check} fails. */
  broken(what: string): void {
    this.#broken ??= what;
    this.note(`BROKEN: ${what}`);
  }

  check(): void {
    if (this.#broken !== undefined) throw new Error(this.#broken);
  }
}
