/**
 * Errors in a route table.
 */

import { fileURLToPath } from 'node:url';
import { type ErrorDetails, type Origin, PorticoError } from '../../errors/index.js';
import { isOwnFile } from '../../process/index.js';
import { RegexProblem } from '../template/regex-groups.js';
import { TemplateProblem } from '../template/template.js';

/** An error in the definition of a route; its code begins with `PORTICO_ROUTE_`. */
export class RouteError extends PorticoError {}

/** All errors of a table. */
export class RouteTableError extends RouteError {
  constructor(issues: readonly RouteError[]) {
    const lines = issues.map((issue) => issue.describe());
    super('PORTICO_ROUTE_TABLE', {
      diagnostics: issues.flatMap(({ diagnostics }) => diagnostics),
      message: lines.length === 1 ? lines[0]! : `${lines.length} errors in the route table:\n${lines.join('\n')}`,
      cause: issues[0],
    });
  }
}

/** No URL can be generated: no route accepts these values. */
export class GenerationError extends PorticoError {
  constructor(details: ErrorDetails) {
    super('PORTICO_ROUTE_GENERATION', details);
  }
}

/** Returns an error of a route's definition as a {@link RouteError} with template, mark and location. */
export function definitionError(error: Error, template: string, origin: Origin | undefined): RouteError {
  if (error instanceof RouteError && error.origin !== undefined) return error;
  const code = error instanceof PorticoError ? error.code : codeOf(error);
  const mark = error instanceof TemplateProblem ? `\n  ${template}\n  ${' '.repeat(error.offset)}^` : '';
  const subject = template === '' ? '' : `the route ${JSON.stringify(template)}: `;
  const hint = error instanceof PorticoError ? error.hint : hintOf(error);
  return new RouteError(code, { message: `${subject}${error.message}${mark}`, origin, hint, cause: error });
}

function codeOf(error: Error): string {
  if (error instanceof RegexProblem || error instanceof SyntaxError) return 'PORTICO_ROUTE_REGEX';
  return error instanceof TemplateProblem ? 'PORTICO_ROUTE_TEMPLATE' : 'PORTICO_ROUTE_DEFINITION';
}

function hintOf(error: Error): string | undefined {
  if (codeOf(error) !== 'PORTICO_ROUTE_REGEX') return undefined;
  return 'An expression in a template ends at its first "}" or ":"; requirements: { name: … } has no such limit.';
}

/** The location of a call, computed on demand: parsing a stack is expensive, and most locations are never displayed. */
export type CallSite = () => Origin | undefined;

/** Returns the location of the nearest call in the application. */
export function callSite(): CallSite {
  const trace = new Error('call site');
  return () => {
    for (const line of (trace.stack ?? '').split('\n').slice(1)) {
      const found = /(?:\()?((?:file:\/\/)?\/[^()]+?|[A-Za-z]:\\[^()]+?):(\d+):(\d+)\)?$/.exec(line);
      if (found === null) continue;
      const file = found[1]!.startsWith('file:') ? fileURLToPath(found[1]!) : found[1]!;
      if (!isOwnFile(file)) return { file, line: Number(found[2]), column: Number(found[3]) };
    }
    return undefined;
  };
}
