/**
 * What an API is given in code, beside its configuration.
 */
import type { Logger } from '../../log/index.js';
import type { ManagerContext } from '../../registry/index.js';
import type { ManagerSource, Registration } from '../../service/index.js';
import type { AppLoader } from './paste-config.js';

/** What a `WSGIService` may be given beside its configuration. */
export interface WSGIServiceOptions {
  /** Where its app comes from. Default: a Loader of `[DEFAULT] api_paste_config`. */
  readonly loader?: AppLoader;
  /** Speak TLS. Default: what `[DEFAULT] enabled_ssl_apis` says. */
  readonly useSsl?: boolean;
  /**
   * The domain behind it: one manager or several, the first of which is the main one; each an object, a class, a function
   * or the name of a module's export. Classes and functions are called at the start, with a `ManagerContext`. Default:
   * what `[api:<name>] manager` names.
   */
  readonly manager?: ManagerSource<ManagerContext> | readonly ManagerSource<ManagerContext>[];
  /** Its record in the service registry; null: none. Default: what `[servicegroup]` says. */
  readonly registration?: Registration | null;
  /** In front of the binary's name. Default `portico`. */
  readonly project?: string;
  /** One worker, and a certificate of its own, kept in `state_path`, where TLS names none. Default false. */
  readonly dev?: boolean;
  /** Default: standard error. */
  readonly log?: Logger;
}
