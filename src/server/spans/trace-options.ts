/**
 * Options of spans.
 */
import { boolean, defineOptions } from '../../config/index.js';

/** `[trace]`. */
export const traceOptions = defineOptions('trace', {
  filters: boolean({
    default: false,
    help: 'Record a span for each filter and the application. Requires a registered OpenTelemetry SDK.',
  }),
});
