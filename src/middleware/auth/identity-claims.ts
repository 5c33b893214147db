/** The type of the option that names the claims with the identity. */
import { dict } from '../../config/index.js';
import { declareType, InvalidValue } from '../../config/internal.js';
import { nearestNames } from '../../errors/index.js';

/** The parts of an identity that claims can contain. */
const FIELDS = ['user_id', 'user_name', 'project_id', 'project_name', 'roles'];

const pairs = dict();

/** A map from {@link FIELDS} to claims. Refused without `user_id`, because every token would be refused then. */
export const identityClaims = declareType<ReadonlyMap<string, string>, object>('dict', undefined, () => ({
  kind: 'object',
  empty: 'value',
  format: (value) => pairs.format(value),
  parse: (text) => {
    const claims = pairs.parse(text);
    const stranger = [...claims.keys()].find((name) => !FIELDS.includes(name));
    if (stranger !== undefined) {
      const [near] = nearestNames(stranger, FIELDS);
      const hint = near === undefined ? undefined : `did you mean '${near}'?`;
      throw new InvalidValue(`should map ${FIELDS.join(', ')} to claims, not other names`, hint);
    }
    if ((claims.get('user_id') ?? '') !== '') return claims;
    const whole = pairs.format(new Map([['user_id', 'sub'], ...[...claims].filter(([name]) => name !== 'user_id')]));
    throw new InvalidValue(
      'names no claim for user_id, so every token would be refused',
      `write claims = ${whole.replaceAll(',', ', ')}: the value replaces the default`,
    );
  },
}));
