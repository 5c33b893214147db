/**
 * The fault format that the configuration sets; imports the module that it names.
 */
import { type Config, defineOptions, integer } from '../../config/index.js';
import { declareType, InvalidValue } from '../../config/internal.js';
import {
  ConfigurationRefused,
  nearestNames,
  nearestOrAll,
  type Origin,
  PorticoError,
  whatItIs,
} from '../../errors/index.js';
import { besideOption, importModuleExport } from '../../service/internal.js';
import { isAsync } from '../app.js';
import { type FactoryContext, optionOrigin } from '../factory.js';
import {
  FAULT_STYLE_NAMES,
  type FaultForm,
  type FaultStyle,
  type FaultStyleName,
  isStyleName,
  type WrittenForm,
} from '../fault-form.js';
import { PORTICO_FORM } from './fault-style.js';

/**
 * Returns the fault format of an API, or without `api` of the program, and imports the module that the configuration names. Throws
 * `PORTICO_FAULT_STYLE`, with the place of the option, if the module cannot be imported or exports no function, or an async one.
 */
export async function configuredFaultForm(config: Config, api?: string): Promise<FaultForm> {
  const all = config.group('DEFAULT', faultOptions, { partial: true });
  const own = api === undefined ? undefined : config.api(api, apiFaultOptions, { partial: true });
  const name = own?.faultStyle ?? all.faultStyle;
  const invalidInputStatus = own?.invalidInputStatus ?? all.invalidInputStatus;
  if (name === PORTICO_FORM.style && invalidInputStatus === PORTICO_FORM.invalidInputStatus) return PORTICO_FORM;
  const group = own?.faultStyle === undefined ? 'DEFAULT' : `api:${api}`;
  const { origin } = config.getLocation(group, 'fault_style');
  return { style: await namedFaultStyle(name, config, origin), invalidInputStatus };
}

/** Reports whether the configuration sets this style for an API, or without `api` for all. */
export function isFaultStyle(name: FaultStyleName, config: Config, api?: string): boolean {
  const own = api === undefined ? undefined : config.api(api, apiFaultOptions, { partial: true }).faultStyle;
  return (own ?? config.group('DEFAULT', faultOptions, { partial: true }).faultStyle) === name;
}

/** Returns the {@link ownFaultStyle} of a section; undefined if it is not set. Throws like {@link configuredFaultForm}. */
export async function sectionFaultStyle(
  { faultStyle: name }: { readonly faultStyle: string | undefined },
  ctx: FactoryContext,
  group: string,
): Promise<FaultStyle | undefined> {
  return name === undefined ? undefined : namedFaultStyle(name, ctx.config, optionOrigin(ctx, group, 'fault_style'));
}

/** Returns the style of that name. A module path is relative to the folder of the file that names it. */
async function namedFaultStyle(name: string, config: Config, origin: Origin | undefined): Promise<FaultStyle> {
  if (isStyleName(name)) return name;
  let render: unknown;
  try {
    render = await importModuleExport(name, besideOption(config, origin));
  } catch (cause) {
    const { message, hint } = cause as PorticoError;
    throw new ConfigurationRefused('PORTICO_FAULT_STYLE', { message, hint, origin, cause });
  }
  if (typeof render === 'function' && !isAsync(render)) return render as FaultStyle;
  throw new ConfigurationRefused('PORTICO_FAULT_STYLE', {
    message: isAsync(render) ? `${name} is an async function` : `${name} is ${whatItIs(render)}, not a function`,
    hint: RENDERER_HINT,
    origin,
  });
}

// Checks of fault settings in code.

/** The form of a renderer, for hints. */
const RENDERER_HINT = 'A renderer is a function (fault, request) => ({ type, body }), not async.';

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

// Options for the format of faults: the name of a style, or a module with a renderer.

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
