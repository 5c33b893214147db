/**
 * Options for the format of faults: the name of a style, or a module with a renderer.
 */
import { defineOptions, integer } from '../../config/index.js';
import { declareType, InvalidValue } from '../../config/internal.js';
import { nearestNames } from '../../errors/index.js';
import { FAULT_STYLE_NAMES, isStyleName } from '../fault-form.js';

/** The name of a style, or of a module's export. */
const faultStyle = declareType<string, object>('fault style', '', () => ({
  empty: 'refused',
  parse: (text) => {
    const name = text.trim();
    if (isStyleName(name) || /^[^\s:#]*[./:#]\S*[^\s:#]$/.test(name)) return name;
    const [near] = nearestNames(name, FAULT_STYLE_NAMES);
    throw new InvalidValue(
      `should be ${FAULT_STYLE_NAMES.join(', ')}, or a module such as ./errors.js:render`,
      near === undefined ? undefined : `did you mean '${near}'?`,
    );
  },
}));

const invalidInput = { min: 400, max: 499 };

/** Options of `[DEFAULT]`, for all APIs. */
export const faultOptions = defineOptions('DEFAULT', {
  fault_style: faultStyle({
    default: 'portico',
    help: 'Format of error responses: portico, problem (RFC 9457), openstack, or your renderer, such as ./errors.js:render.',
  }),
  invalid_input_status: integer({
    ...invalidInput,
    default: 400,
    help: 'Status of invalid body, query, headers or path parameters, often 422. A body that is not JSON is always 400.',
  }),
});

/** Options of one API, in `[api:<name>]`. */
export const apiFaultOptions = defineOptions({
  fault_style: faultStyle({ help: 'Format of its error responses. Default: that of [DEFAULT].' }),
  invalid_input_status: integer({
    ...invalidInput,
    help: 'Status of invalid input. Default: that of [DEFAULT].',
  }),
});

/** The option of a paste section whose filter renders faults itself. */
export const ownFaultStyle = faultStyle({
  help: 'Format of its error responses. Default: that of the API.',
});
