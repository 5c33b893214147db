/**
 * What an application says of its API in a document.
 */
/** What a document says of the API as a whole. */
export interface OpenApiOptions {
  /** The name of the API. */
  readonly title: string;
  /** Default: the router's highest version, else 1.0. */
  readonly version?: string | undefined;
  /** What the API is for, as CommonMark. Default: none. */
  readonly description?: string | undefined;
}
