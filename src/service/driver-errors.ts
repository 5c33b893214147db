/**
 * What can be wrong with the name of a driver, and with a driver that was found.
 */
import { didYouMean, PorticoError } from '../errors/index.js';
import type { DriverKind } from './driver-kind.js';

/** No kind of that name was declared. */
export function unknownKind(name: string, known: readonly string[]): PorticoError {
  return new PorticoError('PORTICO_UNKNOWN_DRIVER_KIND', {
    message: `there is no kind of driver called "${name}"`,
    hint: didYouMean(name, known) ?? `Kinds: ${known.join(', ') || 'none'}.`,
  });
}

/** A driver whose `open` failed. */
export function driverNotOpened(kind: DriverKind, name: string, cause: unknown): PorticoError {
  const why = cause instanceof Error ? cause.message : String(cause);
  const message = `the ${kind.kind} driver "${name}" cannot be opened: ${why}`;
  return new PorticoError('PORTICO_DRIVER_OPEN', { message, cause });
}

/** A driver whose constructor, or whose function, threw. */
export function driverNotMade(kind: DriverKind, name: string, cause: unknown): PorticoError {
  const why = cause instanceof Error ? cause.message : String(cause);
  const message = `the ${kind.kind} driver "${name}" cannot be made: ${why}`;
  return new PorticoError('PORTICO_DRIVER_FAILED', { message, cause });
}

/** A driver has options that must be set, and there is nothing to set them in. */
export function driverWantsConfiguration(kind: DriverKind, name: string, required: readonly string[]): PorticoError {
  return new PorticoError('PORTICO_NO_CONFIG', {
    message: `the ${kind.kind} driver "${name}" needs ${required.join(', ')} from a configuration, and there is none`,
    hint: 'Make the Drivers with { config }.',
  });
}

/** A backend that is listed twice. */
export function twiceABackend(kind: DriverKind, backend: string): PorticoError {
  return new PorticoError('PORTICO_DUPLICATE_BACKEND', {
    message: `the ${kind.kind} backend "${backend}" is listed twice`,
    hint: 'Name each backend once; a second one of the same driver has a group of its own.',
  });
}

/** Backends are asked for where there is no configuration. */
export function noConfiguration(kind: string): PorticoError {
  return new PorticoError('PORTICO_NO_CONFIG', {
    message: `the backends of the kind "${kind}" are named in a configuration, and there is none`,
    hint: 'Make the Drivers with { config }.',
  });
}

/** A backend whose group says no driver. */
export function unnamedBackend(kind: DriverKind, backend: string): PorticoError {
  return new PorticoError('PORTICO_UNKNOWN_DRIVER', {
    message: `the backend [${backend}] names no ${kind.kind} driver`,
    hint: `Write driver = … in [${backend}]. Known: ${Object.keys(kind.builtin ?? {}).join(', ') || 'none'}.`,
  });
}

/** No driver of that name; with the names there are, and the package that has it. */
export function unknownDriver(kind: DriverKind, name: string, announced: readonly string[]): PorticoError {
  const known = [...Object.keys(kind.builtin ?? {}), ...announced];
  const from = Object.hasOwn(kind.packages ?? {}, name) ? kind.packages![name] : undefined;
  const hints = [
    from === undefined ? undefined : `Install the package ${from}, which has it.`,
    didYouMean(name, known),
    `Known: ${known.join(', ') || 'none'}; or give a module: ./file.js:export, package/path:export.`,
  ];
  return new PorticoError('PORTICO_UNKNOWN_DRIVER', {
    message: `there is no ${kind.kind} driver called "${name}"`,
    hint: hints.filter((hint) => hint !== undefined).join(' '),
  });
}
