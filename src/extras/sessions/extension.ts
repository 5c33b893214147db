/** Sessions as an extension. Its filter keeps the name that it has in paste files. */
import type { Extension } from 'portico/service';

export const extension = {
  name: 'portico/sessions',
  options: { session: async () => (await import('./session-options.js')).sessionOptions },
  aliases: { 'portico/middleware:session': 'portico/sessions:session' },
} satisfies Extension;
