/** `api-cli generate` as an extension: nothing of it is imported before its command. */
import type { Extension } from 'portico/service';

export const extension = {
  name: 'portico/generate',
  commands: { generate: () => import('./generate-command.js') },
} satisfies Extension;
