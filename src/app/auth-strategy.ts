/**
 * The option that says how callers are authenticated, declared once for those who choose by it.
 */
import { defineOptions, string } from '../config/index.js';

/** The group `[api]` of the service configuration, as far as pipelines read it. */
export const authOptions = defineOptions({
  auth_strategy: string({
    default: 'keystone',
    help: 'How callers are authenticated: which of the pipelines of a byOption composite answers, and whether noauth may.',
  }),
});
