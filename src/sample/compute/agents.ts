/** Agents in servers: nova has removed them, and answers 410. */
import { refuse } from './api.js';

export class Agents {
  gone(): never {
    return refuse(410, 'This resource is no longer available. No forwarding address is given.');
  }
}
