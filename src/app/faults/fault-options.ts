/**
 * Settings of the format of faults: their options in files, and their check in code. A parent of workers reads them and renders no fault.
 */
import { defineOptions, integer } from '../../config/index.js';
import { declareType, InvalidValue } from '../../config/internal.js';
import { nearestNames, nearestOrAll, PorticoError, whatItIs } from '../../errors/index.js';
import { isAsync } from '../app.js';
import { FAULT_STYLE_NAMES, isStyleName, type WrittenForm } from '../fault-form.js';

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

/** Options of `[DEFAULT]`, for all APIs. */
export const faultOptions = defineOptions('DEFAULT', {
  fault_style: faultStyle({
    default: 'portico',
    help: 'Format of error responses: portico, problem (RFC 9457), openstack, or your renderer, such as ./errors.js:render.',
  }),
  invalid_input_status: integer({
    default: 400,
    min: 400,
    max: 499,
    help: 'Status of invalid body, query, headers or path parameters, often 422. A body that is not JSON is always 400.',
  }),
});

/** Options of one API, in `[api:<name>]`. */
export const apiFaultOptions = defineOptions({
  fault_style: faultStyle({ help: 'Format of its error responses. Default: that of [DEFAULT].' }),
});

/** The form of a renderer, for hints. */
export const RENDERER_HINT = 'A renderer is a function (fault, request) => ({ type, body }), not async.';

/** Throws a `PorticoError` with `code` for an unknown style, an async renderer or an invalid status. `what`: the owner of the settings, as `a Router`. */
export function checkFaultForm(code: string, what: string, { faultStyle, invalidInputStatus }: WrittenForm): void {
  if (faultStyle !== undefined && typeof faultStyle !== 'function' && !isStyleName(faultStyle)) {
    throw new PorticoError(code, {
      message: `the faultStyle of ${what} is ${whatItIs(faultStyle)}, and there is no such style`,
      hint: `${nearestOrAll(String(faultStyle), FAULT_STYLE_NAMES, 'Styles')} Or a function (fault, request) => ({ type, body }).`,
    });
  }
  if (isAsync(faultStyle)) {
    throw new PorticoError(code, { message: `the faultStyle of ${what} is an async function`, hint: RENDERER_HINT });
  }
  if (invalidInputStatus === undefined) return;
  if (!Number.isInteger(invalidInputStatus) || invalidInputStatus < 400 || invalidInputStatus > 499) {
    throw new PorticoError(code, {
      message: `the invalidInputStatus of ${what} is ${whatItIs(invalidInputStatus)}, not a status from 400 to 499`,
    });
  }
}
