/** The configuration of a service. */
import type { OptionDeclarations, OptionsOf, WrittenValue } from './option.js';

export interface GroupOptions {
  /** Values written nearer to the user of the group than the group itself (a paste section): they win. */
  readonly local?: ReadonlyMap<string, WrittenValue>;
}

export class Config {
  group<D extends OptionDeclarations>(_name: string, _options: D, _from: GroupOptions = {}): OptionsOf<D> {
    throw new Error('not built yet');
  }
}
