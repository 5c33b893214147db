/**
 * The fault format that the configuration sets; imports the module that it names.
 */
import type { Config } from '../../config/index.js';
import { ConfigurationRefused, type Origin, type PorticoError, whatItIs } from '../../errors/index.js';
import { besideOption, importModuleExport } from '../../service/internal.js';
import { isAsync } from '../app.js';
import { type FactoryContext, optionOrigin } from '../factory.js';
import { type FaultForm, type FaultStyle, type FaultStyleName, isStyleName } from '../fault-form.js';
import { apiFaultOptions, faultOptions, RENDERER_HINT } from './fault-options.js';
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
