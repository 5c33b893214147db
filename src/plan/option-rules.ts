/** Changed options: whether they are, and the rule of each, from a table of those that limit requests or whose effect clients see. */
import type { RuleName } from './rules.js';
import type { ShownValue } from './state.js';

/** A changed option; null: it is not set. Values as they are shown. */
export interface ChangedOption {
  /** `wsgi`, `api:compute`; for a section of the paste file its kind and factory: `filter portico/middleware:sizelimit`. */
  readonly group: string;
  readonly opt: string;
  readonly old: string | null;
  readonly new: string | null;
}

/** An option by its group; `limit`: a lower number refuses more. `load`: only under load, or of a slow client. `seen`: clients may notice any change. */
interface OptionRow {
  readonly group: RegExp;
  readonly opt: RegExp;
  readonly is: 'limit' | 'load' | 'seen';
}

const ROWS: readonly OptionRow[] = [
  { group: /sizelimit$/i, opt: /^max_request_body_size$/, is: 'limit' },
  { group: /^oslo_middleware$/, opt: /^max_request_body_size$/, is: 'limit' },
  { group: /^wsgi$/, opt: /^(?:max_header_size|max_headers|max_url_length)$/, is: 'limit' },
  { group: /^wsgi$/, opt: /^(?:max_connections|default_pool_size|max_queue|\w+_timeout)$/, is: 'load' },
  { group: /^wsgi$/, opt: /^(?:paths|allow_underscore_headers|server_debug)$/, is: 'seen' },
  { group: /^api:/, opt: /^(?:paths|fault_style|cache_control)$/, is: 'seen' },
  { group: /^DEFAULT$/, opt: /^(?:fault_style|invalid_input_status)$/, is: 'seen' },
  { group: /^ssl$/, opt: /^(?:ca_file|ciphers|min_version|minimum_version|version|client_.*)$/, is: 'seen' },
];

/** Reports whether a value is the same in both states, as far as they know it. An option that only one state has is the same as one without a value. */
export function sameValue(old: ShownValue | undefined, now: ShownValue | undefined): boolean {
  const isOtherSecret = old?.digest != null && now?.digest != null && old.digest !== now.digest;
  return textOf(old) === textOf(now) && !isOtherSecret;
}

/** Returns both values, as they are shown. */
export function valuesText(old: ShownValue | undefined, now: ShownValue | undefined): string {
  return textOf(old) === textOf(now) ? 'another secret' : `${textOf(old)} -> ${textOf(now)}`;
}

function textOf(shown: ShownValue | undefined): string {
  return shown?.value ?? 'none';
}

/** Returns the rule of a changed option. Any option of the paste file may be noticed. */
export function optionRule({ group, opt, old, new: now }: ChangedOption): RuleName {
  const row = ROWS.find((each) => each.group.test(group) && each.opt.test(opt));
  if (row?.is === 'limit') {
    const [before, after] = [numberOf(old), numberOf(now)];
    if (before === undefined || after === undefined) return 'option-of-clients-changed';
    return after < before ? 'limit-lowered' : 'limit-raised';
  }
  if (row?.is === 'load') {
    const [before = 0, after = 0] = [numberOf(old), numberOf(now)];
    // 0 may be no limit, or the lowest one.
    return before > 0 && after >= before ? 'option-changed' : 'option-of-clients-changed';
  }
  if (/^(?:filter|app|composite) /.test(group)) return 'section-option-changed';
  return row === undefined ? 'option-changed' : 'option-of-clients-changed';
}

/** Units of sizes, as they are shown. */
const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  K: 2 ** 10,
  KIB: 2 ** 10,
  M: 2 ** 20,
  MIB: 2 ** 20,
  G: 2 ** 30,
  GIB: 2 ** 30,
};

function numberOf(text: string | null): number | undefined {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text ?? '') ?? [];
  const factor = UNITS[unit.toUpperCase()];
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor;
}
