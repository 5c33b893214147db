/** What a code of an error means: each directory describes its own in a file of this name, for docs/reference/errors.md. */

/** Codes with what is wrong, and what to do. */
export type ErrorCodes = Readonly<Record<string, { readonly cause: string; readonly remedy: string }>>;

export const errorCodes: ErrorCodes = {
  PORTICO_CONFIGURATION_REFUSED: {
    cause: 'Several parts refuse the configuration; the error lists all mistakes.',
    remedy: 'See the code of each.',
  },
};
