/**
 * An application's facts about its API for a document.
 */
/** Facts about the API as a whole. */
export interface OpenApiOptions {
  /** Name of the API. */
  readonly title: string;
  /** Default: the router's highest version, else 1.0. */
  readonly version?: string | undefined;
  /** Description of the API, as CommonMark. Default: none. */
  readonly description?: string | undefined;
}
