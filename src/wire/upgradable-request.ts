/**
 * Requests that may ask for an upgrade, in a server that takes only some of these.
 */
import { IncomingMessage } from 'node:http';

type Parsed = IncomingMessage & { upgrade: boolean | null };

/** What Node's parser has said. Not a field: Node's constructor sets `upgrade` before fields are there. */
const ASKED: unique symbol = Symbol('portico.upgradeAsked');

/**
 * For `createServer({ IncomingMessage })`: a request for which `isOffered` is false stays an ordinary one, though it has
 * `Upgrade` and the server listens to `upgrade`. `parserOnIncoming` of `lib/_http_server.js` asks the property `upgrade`;
 * Node 24.9 has `shouldUpgradeCallback` for it.
 */
export function upgradableRequest(isOffered: (req: IncomingMessage) => boolean): typeof IncomingMessage {
  class UpgradableRequest extends IncomingMessage {
    declare [ASKED]: boolean | null;
  }
  Object.defineProperty(UpgradableRequest.prototype, 'upgrade', {
    get(this: UpgradableRequest): Parsed['upgrade'] {
      return this[ASKED] && (this.method === 'CONNECT' || isOffered(this));
    },
    set(this: UpgradableRequest, asked: Parsed['upgrade']) {
      this[ASKED] = asked;
    },
  });
  return UpgradableRequest;
}
