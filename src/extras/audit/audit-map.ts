/** The map of an API, `api_audit_map.conf`: the meaning of the segments of its paths, and of the services in a catalog. */
import type { Diagnostic, Origin } from 'portico/config';
import { ConfigurationRefused, didYouMean, locationInFile, readPaste, shownPath } from 'portico/extension';

const SECTIONS = ['path_keywords', 'custom_actions', 'service_endpoints'] as const;

/** First words of CADF's taxonomies (DSP0262, appendix A), as pycadf has them, for values of a section. */
const TAXONOMIES: Readonly<Record<string, string>> = {
  custom_actions:
    'allow authenticate backup capture configure create delete deny deploy disable enable evaluate monitor notify read receive renew restore revoke send start stop undeploy unknown update',
  service_endpoints: 'compute data network service storage unknown',
};

export type AuditMap = ReturnType<typeof readMap>;

/** Reads a map; `path` is its name in errors. Throws `PORTICO_AUDIT_MAP` with all of them. */
export function readMap(content: Uint8Array | string, path: string) {
  const { sections, defaults, problems } = readPaste(content, shownPath(path));
  const diagnostics: Diagnostic[] = [];
  const refuse = (origin: Origin, message: string, hint?: string): void => {
    const location = locationInFile({ ...origin, section: undefined, option: undefined });
    diagnostics.push({ severity: 'error', code: 'PORTICO_AUDIT_MAP', location, message, hint });
  };
  for (const { kind, origin } of problems) refuse(origin, `the file has an error here: ${kind.replaceAll('-', ' ')}`);
  for (const { name, origin } of sections.values()) {
    const hint = didYouMean(name, SECTIONS) ?? `Sections: ${SECTIONS.join(', ')}.`;
    if (!SECTIONS.some((each) => each === name)) refuse(origin, `there is no section [${name}]`, hint);
  }
  let defaultType: string | undefined;
  for (const { name, value, origin } of defaults?.options.values() ?? []) {
    if (name.toLowerCase() === 'target_endpoint_type') defaultType = value;
    else refuse(origin, `[DEFAULT] has no option ${name}`, 'It has target_endpoint_type alone.');
  }
  const table = (section: string): ReadonlyMap<string, string> => {
    const read = new Map<string, string>();
    const known = TAXONOMIES[section]?.split(' ');
    for (const { name, origin, value, pieces } of sections.get(section)?.options.values() ?? []) {
      const at = pieces[0]?.origin ?? origin;
      // As Python's configparser: names in lower case, and references.
      const key = name.toLowerCase();
      if (read.has(key)) refuse(origin, `${key} occurs twice in [${section}]`);
      if (value.replaceAll('%%', '').includes('%'))
        refuse(at, 'a reference such as %(name)s is not read here', 'Write its value; %% is a percent sign.');
      else if (known?.some((word) => value.startsWith(word)) === false) {
        const hint = didYouMean(value.split('/', 1)[0]!, known) ?? `Words: ${known.join(', ')}.`;
        refuse(at, `${value} does not begin with a word of CADF`, hint);
      }
      read.set(key, value.replaceAll('%%', '%'));
    }
    return read;
  };
  const map = {
    /** Segments of paths that name a collection, with the word for one of its members: `servers`, `server`. */
    keywords: table('path_keywords'),
    /** Actions by the last segment of a path, also with a method behind it: `startup`, `os-volumes/post`. */
    actions: table('custom_actions'),
    /** CADF types of services, by their type in the catalog. */
    services: table('service_endpoints'),
    /** Type of the service that a request is for, if no endpoint of the catalog has its host. */
    defaultType,
  };
  if (diagnostics.length > 0) throw new ConfigurationRefused('PORTICO_AUDIT_MAP', { diagnostics });
  return map;
}
