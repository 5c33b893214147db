/** Texts with members of the target: `%(project_id)s`. `%%` is a percent sign; Python's other conversions are refused. */
import { shown } from './policy-error.js';
import { pythonText } from './python-text.js';

/** A parsed format: texts, and names of members of the target. */
export interface Format {
  readonly parts: readonly (string | { readonly member: string })[];
  /** What is wrong in it, so that it cannot be evaluated. */
  readonly problem: string | undefined;
}

/** `%(name)s`, `%%`, and a percent sign that begins neither. */
const PERCENT = /%(?:(%)|\(([^()]*)\)s)?/g;

export function parseFormat(text: string): Format {
  const parts: Format['parts'][number][] = [];
  let problem: string | undefined;
  let at = 0;
  for (const { 0: written, 1: percent, 2: member, index } of text.matchAll(PERCENT)) {
    parts.push(text.slice(at, index));
    at = index + written.length;
    if (percent !== undefined) parts.push('%');
    else if (member !== undefined) parts.push({ member });
    else problem ??= problemOf(/^\S*/.exec(text.slice(index))![0]);
  }
  parts.push(text.slice(at));
  return { parts, problem };
}

function problemOf(written: string): string {
  if (/^%\([^)]*$/.test(written)) return `${shown(written)} lacks a closing bracket`;
  return `${shown(written)} is no conversion: write %(name)s, or %% for a percent sign`;
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
