/** The error codes of this directory, for docs/reference/errors.md. */
import type { ErrorCodes } from '../errors/index.js';

export const errorCodes: ErrorCodes = {
  PORTICO_ACTION_OPTION: {
    cause: '`action()` was given an unknown option, or no options and no function.',
    remedy: 'Write `action({ status: 202 }, handler)`.',
  },
  PORTICO_ROUTER_OPTION: {
    cause: '`new Router()` was given an unknown or wrong option.',
    remedy: 'Correct it; the message has the nearest name.',
  },
  PORTICO_ROUTE_ACTION: {
    cause: 'An action of a controller is declared wrongly.',
    remedy: 'See the message.',
  },
  PORTICO_ROUTE_BODY_KEY: {
    cause: 'Two actions of a controller have the same body key.',
    remedy: 'Remove one, or give it another key.',
  },
  PORTICO_ROUTE_BUILT: {
    cause: 'A route was added to a router that is built.',
    remedy: 'Build another router, and swap the apps.',
  },
  PORTICO_ROUTE_CONTRADICTION: {
    cause: 'A standard action of a submapper was given its own action or method.',
    remedy: 'Use `action()` or `link()`.',
  },
  PORTICO_ROUTE_CONTROLLER: {
    cause: "A controller's class cannot be constructed without arguments.",
    remedy: 'Give an object: `new Controller(…)`.',
  },
  PORTICO_ROUTE_CUT_REGEX: {
    cause: 'The expression of a variable ends earlier than it seems; a warning.',
    remedy: 'Write it in `requirements`.',
  },
  PORTICO_ROUTE_DEFINITION: {
    cause: 'A route was given something that no route can be made of.',
    remedy: 'See the message.',
  },
  PORTICO_ROUTE_FILTERS: {
    cause: 'An action that is chosen by its body has filters.',
    remedy: 'Give the filters to the route.',
  },
  PORTICO_ROUTE_GENERATION: {
    cause: 'No route takes the values a URL is to be made of.',
    remedy: 'Give all variables of the route; check its name.',
  },
  PORTICO_ROUTE_METHOD_ANY: {
    cause: '`*` or `ANY` is no method; a warning.',
    remedy: 'Leave the method out to take all.',
  },
  PORTICO_ROUTE_METHOD_CASE: {
    cause: 'A method is written in small letters, and is never sent so; a warning.',
    remedy: 'Write it in capitals.',
  },
  PORTICO_ROUTE_METHOD_TEXT: {
    cause: 'Several methods are written as one text; a warning.',
    remedy: 'Write a list.',
  },
  PORTICO_ROUTE_MISSING: {
    cause: 'A route of a submapper has no name or path.',
    remedy: 'Give the submapper `resourceName`, `collectionName` or `pathPrefix`.',
  },
  PORTICO_ROUTE_NO_ACTION: {
    cause: 'A controller has no such action.',
    remedy: 'Correct the name; the message has the nearest one.',
  },
  PORTICO_ROUTE_NO_CONTROLLER: {
    cause: 'A route has no controller or no action, or names one that is not there.',
    remedy: 'Add it to `controllers`, or give a `handler`.',
  },
  PORTICO_ROUTE_NO_SLASH: {
    cause: 'A template does not begin with `/`, and can never match.',
    remedy: 'Write `/` first.',
  },
  PORTICO_ROUTE_NO_TEMPLATE: {
    cause: 'A route has no path.',
    remedy: 'Write `connect(path, options)` or `connect(name, path, options)`.',
  },
  PORTICO_ROUTE_OPTION: {
    cause: 'A route was given an option that can only be a mistake.',
    remedy: 'Correct it as the message says.',
  },
  PORTICO_ROUTE_PATH_INFO: {
    cause: '`path_info` keeps its own slash; a warning.',
    remedy: 'Write `/prefix/{path_info:.*}`, or use `mount()`.',
  },
  PORTICO_ROUTE_REDIRECT: {
    cause: '`_redirectCode` is no status of a redirect.',
    remedy: 'Use 301, 302, 303, 307 or 308.',
  },
  PORTICO_ROUTE_REGEX: {
    cause: 'A regular expression of a template or requirement cannot be used.',
    remedy: 'Correct it; an expression in a template ends at its first `}` and `:`.',
  },
  PORTICO_ROUTE_RESOURCE_NAME: {
    cause: '`resource()` was given one name.',
    remedy: 'Give two: that of a member, and that of the collection.',
  },
  PORTICO_ROUTE_SCHEMA: {
    cause: 'A schema does not compile.',
    remedy: 'See the message, which names the place within it.',
  },
  PORTICO_ROUTE_SHADOWED: {
    cause: "A route can never win; a warning, an error with `onShadow: 'error'`.",
    remedy: 'Remove it, or make the other one narrower.',
  },
  PORTICO_ROUTE_STATUS: {
    cause: 'An action cannot answer with this status.',
    remedy: '200 to 399; for 400 and above throw a `Fault`.',
  },
  PORTICO_ROUTE_SWALLOWED_DASH: {
    cause: 'The `-` behind `:name` is not part of the path; a warning.',
    remedy: 'Write `{name}-`.',
  },
  PORTICO_ROUTE_TABLE: {
    cause: 'A route table has mistakes; the error lists all of them.',
    remedy: 'See the code of each.',
  },
  PORTICO_ROUTE_TEMPLATE: {
    cause: 'A template cannot be read.',
    remedy: 'Correct it where the caret stands.',
  },
  PORTICO_ROUTE_UNKNOWN_ACTION: {
    cause: 'A submapper has no such standard action.',
    remedy: 'Use one of those that the message names.',
  },
  PORTICO_ROUTE_VERSIONS: {
    cause: 'The versions of two actions overlap.',
    remedy: 'Let each version be served by one of them.',
  },
};
