/**
 * Checks of fault settings in code.
 */
import { nearestOrAll, PorticoError, whatItIs } from '../../errors/index.js';
import { isAsync } from '../app.js';
import { FAULT_STYLE_NAMES, isStyleName, type WrittenForm } from '../fault-form.js';

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
