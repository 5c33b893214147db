/**
 * How the configuration says that faults are written: its style, with the module that it names imported.
 */
import { dirname, resolve } from 'node:path';
import type { Config } from '../config/index.js';
import { ConfigurationRefused, type Origin, type PorticoError, whatItIs } from '../errors/index.js';
import { importModuleExport } from '../service/internal.js';
import { type FactoryContext, optionOrigin } from './factory.js';
import { type FaultForm, type FaultStyle, type FaultStyleName, isStyleName } from './fault-form.js';
import { apiFaultOptions, faultOptions } from './fault-options.js';
import { PORTICO_FORM } from './fault-style.js';

/**
 * How faults of an API are written, or without `api` those of a program. Imports the module that is named. Throws
 * `PORTICO_FAULT_STYLE`, with its place, where that cannot be had or has no function.
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

/** Whether the configuration names that style for an API, or without `api` for all. */
export function isFaultStyle(name: FaultStyleName, config: Config, api?: string): boolean {
  const own = api === undefined ? undefined : config.api(api, apiFaultOptions, { partial: true }).faultStyle;
  return (own ?? config.group('DEFAULT', faultOptions, { partial: true }).faultStyle) === name;
}

/** The {@link ownFaultStyle} of a section; undefined where it is not there. Throws as {@link configuredFaultForm}. */
export async function sectionFaultStyle(
  { faultStyle: name }: { readonly faultStyle: string | undefined },
  ctx: FactoryContext,
  group: string,
): Promise<FaultStyle | undefined> {
  return name === undefined ? undefined : namedFaultStyle(name, ctx.config, optionOrigin(ctx, group, 'fault_style'));
}

/** The style of that name. A module is found from the folder of the file that names it. */
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
