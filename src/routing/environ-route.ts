/**
 * What a router adds to a request's environ.
 */
import type { MatchedRoute } from './action-request.js';

declare module '../app/environ.js' {
  interface Environ {
    /** The route that was taken; set by a Router. Its template, never the path, is a label for logs and metrics. */
    route?: MatchedRoute;
  }
}
