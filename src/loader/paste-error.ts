/** The exception that refuses a paste file, with the references that led to the error. */
import {
  ConfigurationRefused,
  type Diagnostic,
  type ErrorDetails,
  inOrder,
  type Location,
  type Origin,
  PorticoError,
} from '../errors/index.js';
import { thrownAt } from '../modules/index.js';

/** A reference that led to an error, and its location. */
export interface PasteReference {
  readonly text: string;
  readonly origin: Origin;
}

/** A line for `[portico:aliases]` that would help; its target may be a file that is still to be written. */
export interface ProposedAlias {
  readonly from: string;
  readonly target: string;
  /** For `egg:` references. */
  readonly protocol?: string;
}

/** Returns the line. */
export function aliasLine({ from, target, protocol }: ProposedAlias): string {
  return [from, target, ...(protocol === undefined ? [] : [protocol])].join('    ');
}

/** Parts of a {@link PasteError}. */
export interface PasteErrorDetails extends ErrorDetails {
  /** The references that led to the error, outermost first. */
  via?: readonly PasteReference[];
  /** The errors as data. Default: one for the error itself. */
  diagnostics?: readonly Diagnostic[] | undefined;
  /** All lines concerned, if there are several. */
  lines?: readonly number[];
  alias?: ProposedAlias;
  /** A last line of the error. */
  note?: string;
  /** The section that a name which no section has probably meant. */
  meant?: string | undefined;
  /** Errors found after this one. */
  others?: readonly ConfigurationRefused[];
}

/** A paste file that cannot be used, or something that it refers to. Its code begins with `PORTICO_PASTE_`. */
export class PasteError extends ConfigurationRefused {
  /** The references that led to the error, outermost first. */
  readonly via: readonly PasteReference[];
  /** All lines concerned, if there are several. */
  readonly lines?: readonly number[];
  readonly alias?: ProposedAlias;
  readonly #details: PasteErrorDetails;

  constructor(code: string, details: PasteErrorDetails) {
    super(code, details);
    this.via = details.via ?? [];
    if (details.lines !== undefined) this.lines = details.lines;
    if (details.alias !== undefined) this.alias = details.alias;
    this.#details = details;
  }

  /** The line for `[portico:aliases]`. */
  get proposal(): string | undefined {
    return this.alias && aliasLine(this.alias);
  }

  /** Errors found after this one, in other parts of a pipeline or composite. */
  get others(): readonly ConfigurationRefused[] {
    return this.#details.others ?? [];
  }

  override get blamesConfiguration(): boolean {
    return this.isIssue || this.others.some((each) => each.blamesConfiguration);
  }

  /** Diagnostics of this error and of the others, by place. */
  override get diagnostics(): readonly Diagnostic[] {
    const own = this.ownDiagnostics;
    return this.others.length === 0 ? own : inOrder([...own, ...this.others.flatMap((each) => each.diagnostics)]);
  }

  /** False if the file is right, the code that it names failed, and it may succeed at another start. */
  protected get isIssue(): boolean {
    return true;
  }

  protected get ownDiagnostics(): readonly Diagnostic[] {
    const { meant, note } = this.#details;
    return super.diagnostics.map((each) => ({ ...each, proposal: this.proposal, meant, note: note ?? each.note }));
  }

  /** Returns the same error with more details: a missing place, the references that led to it, a longer hint. */
  with(more: Partial<PasteErrorDetails>): PasteError {
    return new (this.constructor as typeof PasteError)(this.code, { ...this.#details, ...more });
  }
}

/** The paste file to load does not exist. */
export class ConfigNotFound extends PasteError {
  readonly #namedAt: Location | undefined;

  /** `namedAt`: place of the option that names the file. */
  constructor(code: string, details: PasteErrorDetails, namedAt?: Location) {
    super(code, details);
    this.#namedAt = namedAt;
  }

  /** Diagnostics at the location that names the file. */
  protected override get ownDiagnostics(): readonly Diagnostic[] {
    const location = this.#namedAt;
    if (location === undefined || location.kind === 'default') return super.ownDiagnostics;
    return super.ownDiagnostics.map((each) => ({
      ...each,
      location,
      section: 'DEFAULT',
      option: 'api_paste_config',
    }));
  }
}

/** Returns the first ten names, and the number of the others. */
export function firstNames(names: readonly string[]): string {
  const shown = names
    .slice(0, 10)
    .map((name) => name || '""')
    .join(', ');
  return names.length > 10 ? `${shown} and ${names.length - 10} more` : shown;
}

/** Codes of references to what is not installed. */
export const NOT_INSTALLED = /^PORTICO_PASTE_NO_(?:PACKAGE|ENTRY_POINT|MODULE)$/;

/** A limit is exceeded. It ends a load, even one that continues after other errors. */
export class PasteLimit extends PasteError {}

/** The app to load is not in the paste file. */
export class PasteAppNotFound extends PasteError {}

/** Codes of errors that are the same at each start: of a route table, and of options in the code. */
const IN_CODE = /^PORTICO_(?:ROUTE|.+_OPTION$)/;

/**
 * A factory threw. Unless the cause is a route table or an option that Portico refuses, another start may succeed: the exit status is 1, not
 * that of a refused configuration.
 */
export class FactoryFailed extends PasteError {
  protected override get isIssue(): boolean {
    return this.cause instanceof PorticoError && IN_CODE.test(this.cause.code);
  }

  /** Diagnostics as for any error of a paste file, with the code of the thrown error and the location in the application. */
  protected override get ownDiagnostics(): readonly Diagnostic[] {
    const { cause } = this;
    const place = thrownAt(cause);
    const note = place === undefined ? undefined : `thrown at ${place}`;
    const causes = cause instanceof PorticoError ? cause.diagnostics.map(({ code }) => code) : undefined;
    // Errors with lines in the code have the section in place of the line that has thrown them together.
    return super.ownDiagnostics.map((each) => (each.note === undefined ? { ...each, causes, note } : each));
  }
}
