/**
 * The option that says how faults are written, declared once for everybody who renders them.
 */
import { type Config, defineOptions, oneOf } from '../config/index.js';
import type { FaultStyle } from './fault.js';

/** Options of `[DEFAULT]` for whatever renders faults. */
export const faultOptions = defineOptions({
  fault_style: oneOf(['portico', 'openstack'], {
    default: 'portico',
    help: "How error answers are written: Portico's own JSON, or the form OpenStack's compute API has.",
  }),
});

/** An option of the same name for a section that renders faults itself: it overrides the one of `[DEFAULT]`. */
export const ownFaultStyle = oneOf(['portico', 'openstack'], {
  help: 'How error answers are written here. Default: the fault_style of [DEFAULT].',
});

/** The style a renderer uses: its section's own, else that of `[DEFAULT]`. */
export function faultStyleOf(config: Config, own?: FaultStyle): FaultStyle {
  return own ?? config.group('DEFAULT', faultOptions).faultStyle;
}
