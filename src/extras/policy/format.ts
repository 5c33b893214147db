/** Texts with members of the target: `%(project_id)s`. `%%` is a percent sign; Python's other conversions are refused. */
import { pythonText } from './python-text.js';

/** A parsed format: texts, and names of members of the target. */
export interface Format {
  readonly parts: readonly (string | { readonly member: string })[];
  /** What is wrong in it, so that it cannot be evaluated. */
  readonly problem: string | undefined;
}

const CONVERSION = /%(?:%|\(([^()]*)\)s)/g;

export function parseFormat(text: string): Format {
  const parts: Format['parts'][number][] = [];
  let at = 0;
  for (const { 0: written, 1: member, index } of text.matchAll(CONVERSION)) {
    parts.push(text.slice(at, index), member === undefined ? '%' : { member });
    at = index + written.length;
  }
  parts.push(text.slice(at));
  const wrong = /%(\(?).*/s.exec(text.replaceAll(CONVERSION, (written) => ' '.repeat(written.length)));
  const shown = wrong && text.slice(wrong.index, text.indexOf(' ', wrong.index) + 1 || undefined).trim();
  if (shown === null) return { parts, problem: undefined };
  return {
    parts,
    problem: /^%\([^)]*$/.test(shown)
      ? `"${shown}" lacks a closing bracket`
      : `"${shown}" is no conversion: write %(name)s, or %% for a percent sign`,
  };
}

/** Returns the formatted text; undefined if the target lacks a member. */
export function formatWith({ parts }: Format, target: Readonly<Record<string, unknown>>): string | undefined {
  let text = '';
  for (const part of parts) {
    if (typeof part === 'string') text += part;
    else if (!Object.hasOwn(target, part.member)) return undefined;
    else text += pythonText(target[part.member]);
  }
  return text;
}
