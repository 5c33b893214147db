/**
 * What is odd about declarations: for the people who write them, not for operators.
 */

import { isSecret } from '../values/mask.js';
import type { Registration } from './describe-options.js';

/** One remark. */
export interface OptionRemark {
  readonly group: string;
  readonly opt: string;
  readonly message: string;
}

/** Remarks on names that look secret and are not, numbers without bounds, negative switches, and help said twice. */
export function lintOptions(registrations: Iterable<Registration>): OptionRemark[] {
  const remarks: OptionRemark[] = [];
  const helps = new Map<string, string>();
  for (const { group, options } of registrations) {
    for (const [opt, option] of Object.entries(options)) {
      const remark = (message: string) => remarks.push({ group, opt, message });
      if (!option.secret && isSecret(opt, option)) remark('looks like a secret and is not declared `secret`');
      if (['integer', 'float'].includes(option.type) && isUnbounded(option.spec)) remark('has neither `min` nor `max`');
      if (option.type === 'boolean' && /^(?:no|not|disable|without)_/.test(opt))
        remark('is a switch with a negative name');
      if (/_(?:ms|seconds|s|bytes)$/.test(opt) && option.type === 'duration' && option.spec.unit === undefined) {
        remark('has a unit in its name and reads others');
      }
      const other = helps.get(option.help);
      if (other !== undefined) remark(`has the same help as ${other}`);
      helps.set(option.help, `[${group}] ${opt}`);
    }
  }
  return remarks;
}

function isUnbounded(spec: { readonly [name: string]: unknown }): boolean {
  return spec.min === undefined && spec.max === undefined && spec.choices === undefined;
}
