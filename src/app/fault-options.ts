/** Options for the format of faults: the name of a style, or a module with a renderer. */
import { dirname, resolve } from 'node:path';
import { type Config, defineOptions, integer } from '../config/index.js';
import { declareType, InvalidValue } from '../config/internal.js';
import { ConfigurationRefused, nearestNames, type Origin, type PorticoError, whatItIs } from '../errors/index.js';
import { importModuleExport } from '../service/internal.js';
import { type FactoryContext, optionOrigin } from './factory.js';
import type { FaultForm, FaultStyle, FaultStyleName } from './fault-form.js';
import { FAULT_STYLE_NAMES, PORTICO_FORM } from './fault-style.js';

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

function isStyleName(text: string): text is FaultStyleName {
  return (FAULT_STYLE_NAMES as readonly string[]).includes(text);
}

const invalidInput = { min: 400, max: 499 };

/** Options of `[DEFAULT]`, for all APIs. */
export const faultOptions = defineOptions({
  fault_style: faultStyle({
    default: 'portico',
    help: "The format of error responses: portico, problem (RFC 9457), openstack (like OpenStack's compute API), or your own renderer as module:export, such as ./errors.js:render.",
  }),
  invalid_input_status: integer({
    ...invalidInput,
    default: 400,
    help: 'The status of the response when the body, query, headers or path parameters fail validation. Many APIs use 422. A body that is not JSON is always 400.',
  }),
});

/** Options of one API, in `[api:<name>]`. */
export const apiFaultOptions = defineOptions({
  fault_style: faultStyle({ help: "The format of this API's error responses. Default: fault_style of [DEFAULT]." }),
  invalid_input_status: integer({
    ...invalidInput,
    help: "The status of this API's response when validation fails. A body that is not JSON is always 400. Default: invalid_input_status of [DEFAULT].",
  }),
});

/** The option of a paste section whose filter renders faults itself. */
export const ownFaultStyle = faultStyle({
  help: "The format of this filter's error responses. Default: fault_style of the API.",
});

/**
 * Returns the fault format of an API, or without `api` of the program, and imports the module that the configuration names.
 * Throws `PORTICO_FAULT_STYLE`, with the place of the option, if the module cannot be imported or exports no function.
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
  const folder = dirname(resolve(origin?.file || (config.configFiles.at(-1) ?? './x')));
  let render: unknown;
  try {
    render = await importModuleExport(name, { folder, allowExternalModules: true });
  } catch (cause) {
    const { message, hint } = cause as PorticoError;
    throw new ConfigurationRefused('PORTICO_FAULT_STYLE', { message, hint, origin, cause });
  }
  if (typeof render === 'function') return render as FaultStyle;
  throw new ConfigurationRefused('PORTICO_FAULT_STYLE', {
    message: `${name} is ${whatItIs(render)}, not a function`,
    hint: 'A renderer is a function (fault, request) => ({ type, body }).',
    origin,
  });
}
