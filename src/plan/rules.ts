/**
 * The rules: what each kind of difference means for clients of the state before. The page `docs/how-to/review-changes.md` lists them.
 *
 * A request may become wider, a response narrower: clients send what they always sent, and read what they could read before.
 */

/** Meaning for clients of the state before; in the order of a list. */
export const CLASSES = ['breaking', 'to look at', 'compatible'] as const;

export type DifferenceClass = (typeof CLASSES)[number];

interface Rule {
  readonly class: DifferenceClass;
  /** Description for the list of the rules. */
  readonly what: string;
}

const rules = <T extends Readonly<Record<string, readonly [DifferenceClass, string]>>>(table: T) =>
  Object.fromEntries(Object.entries(table).map(([id, [of, what]]) => [id, { class: of, what }])) as Readonly<
    Record<keyof T, Rule>
  >;

export const RULES = rules({
  'api-removed': ['breaking', 'an API is no longer served'],
  'api-added': ['compatible', 'an API is new'],
  'address-removed': ['breaking', 'an API no longer listens on an address'],
  'address-added': ['compatible', 'an API listens on one more address'],
  'tls-changed': ['breaking', 'an API changes between HTTP and HTTPS'],
  'workers-changed': ['compatible', 'another number of workers'],
  'api-app-changed': ['to look at', 'an API serves another app of the paste file'],

  'filter-added': ['to look at', 'a filter is new in a pipeline'],
  'filter-removed': ['to look at', 'a filter is no longer in a pipeline'],
  'filter-moved': ['to look at', 'filters of a pipeline have another order'],
  'pipeline-app-changed': ['to look at', 'a pipeline ends in another app'],
  'mount-removed': ['breaking', 'nothing is mounted at a path any more'],
  'mount-added': ['compatible', 'an app is mounted at one more path'],
  'mount-changed': ['to look at', 'another app is mounted at a path'],
  'factory-changed': ['to look at', 'an app or a filter is made by another factory'],
  'section-option-changed': ['to look at', 'an option of a filter or an app'],
  'limit-lowered': ['breaking', 'a limit refuses what it accepted'],
  'limit-raised': ['compatible', 'a limit accepts more'],

  'versions-removed': ['breaking', 'a Router refuses API versions that it served'],
  'versions-added': ['compatible', 'a Router serves more API versions'],
  'faults-changed': ['breaking', 'bodies of faults have another form'],
  'route-removed': ['breaking', 'a route is removed'],
  'route-added': ['compatible', 'a route is new'],
  'route-version-removed': ['breaking', 'a route no longer exists in an API version'],
  'route-version-added': ['compatible', 'a route exists in more API versions'],
  'route-action-changed': ['to look at', 'a route leads to another action'],
  'route-order-changed': ['to look at', 'a request that two routes match goes to the other one'],
  'route-shadowed': ['breaking', 'another route gets all requests of a route'],
  'route-filter-changed': ['to look at', 'filters around an action'],
  'deadline-shorter': ['to look at', 'the deadline of a route is shorter, or new'],
  'deadline-longer': ['compatible', 'the deadline of a route is longer, or gone'],
  'path-requirement-added': ['breaking', 'a variable of a path accepts less'],
  'path-requirement-removed': ['compatible', 'a variable of a path accepts any value'],
  'path-requirement-changed': ['to look at', 'a variable of a path has another expression'],
  'operation-id-changed': ['to look at', 'generated clients name the operation differently'],
  deprecated: ['to look at', 'an operation is deprecated'],
  'deprecated-no-more': ['compatible', 'an operation is no longer deprecated'],
  'security-added': ['breaking', 'an operation requires credentials that it did not require'],
  'security-alternative-removed': ['breaking', 'an operation no longer accepts a kind of credentials'],
  'security-removed': ['to look at', 'an operation no longer requires credentials'],
  'security-alternative-added': ['compatible', 'an operation accepts one more kind of credentials'],

  'parameter-required-added': ['breaking', 'a required parameter is new'],
  'parameter-added': ['compatible', 'an optional parameter is new'],
  'parameter-became-required': ['breaking', 'an optional parameter is required'],
  'parameter-became-optional': ['compatible', 'a required parameter is optional'],
  'parameter-removed': ['to look at', 'a parameter is no longer known'],
  'body-required-added': ['breaking', 'a body is required, and was not known'],
  'body-added': ['compatible', 'an optional body is new'],
  'body-became-required': ['breaking', 'an optional body is required'],
  'body-became-optional': ['compatible', 'a required body is optional'],
  'body-removed': ['to look at', 'a body is no longer known'],
  'body-type-removed': ['breaking', 'a media type of a body is no longer accepted'],
  'body-type-added': ['compatible', 'one more media type of a body is accepted'],

  'response-status-removed': ['breaking', 'a successful status no longer occurs'],
  'response-status-added': ['to look at', 'a status is new'],
  'fault-status-removed': ['compatible', 'a status of an error no longer occurs'],
  'response-type-removed': ['breaking', 'a media type of a response no longer occurs'],
  'response-type-added': ['to look at', 'a media type of a response is new'],
  'response-header-removed': ['to look at', 'a header of a response no longer occurs'],
  'response-header-added': ['compatible', 'a header of a response is new'],

  'request-member-required-added': ['breaking', 'a required member of a request is new'],
  'request-member-added': ['compatible', 'an optional member of a request, or one with a default, is new'],
  'request-member-became-required': ['breaking', 'an optional member of a request is required'],
  'request-member-became-optional': ['compatible', 'a required member of a request is optional'],
  'request-member-removed': ['to look at', 'a member of a request is no longer known'],
  'request-member-refused': ['breaking', 'a member of a request is no longer known, and unknown ones are refused'],
  'request-type-narrower': ['breaking', 'a value of a request accepts fewer types'],
  'request-type-wider': ['compatible', 'a value of a request accepts more types'],
  'request-values-narrower': ['breaking', 'a value of a request has fewer permitted values'],
  'request-values-wider': ['compatible', 'a value of a request has more permitted values'],
  'request-bound-narrower': ['breaking', 'a bound of a request is narrower'],
  'request-bound-wider': ['compatible', 'a bound of a request is wider'],
  'request-form-changed': ['breaking', 'a pattern, format or other rule for a value of a request is another one'],
  'request-default-changed': ['to look at', 'a value that a request leaves out has another default'],
  'request-choice-narrower': ['breaking', 'a request has fewer alternatives'],
  'request-choice-wider': ['compatible', 'a request has more alternatives'],

  'response-member-removed': ['breaking', 'a member of a response is removed'],
  'response-member-added': ['compatible', 'a member of a response is new'],
  'response-member-became-optional': ['breaking', 'a member of a response may be missing'],
  'response-member-became-required': ['compatible', 'a member of a response is always there'],
  'response-type-wider': ['breaking', 'a value of a response has more types'],
  'response-type-narrower': ['compatible', 'a value of a response has fewer types'],
  'response-values-wider': ['to look at', 'a value of a response has more permitted values'],
  'response-values-narrower': ['compatible', 'a value of a response has fewer permitted values'],
  'response-bound-wider': ['to look at', 'a bound of a response is wider'],
  'response-bound-narrower': ['compatible', 'a bound of a response is narrower'],
  'response-form-changed': ['to look at', 'a pattern, format or other rule for a value of a response is another one'],
  'response-choice-wider': ['breaking', 'a response has more alternatives'],
  'response-choice-narrower': ['compatible', 'a response has fewer alternatives'],

  'replay-refused': ['breaking', 'logged requests that succeeded would get 4xx or 5xx'],

  'service-removed': ['breaking', 'a service no longer runs'],
  'service-added': ['compatible', 'a service is new'],
  'topic-changed': ['breaking', 'a service receives calls for another topic'],
  'interface-removed': ['breaking', 'an interface of remote calls is removed'],
  'interface-added': ['compatible', 'an interface of remote calls is new'],
  'interface-version-changed': ['compatible', 'an interface of remote calls has another version'],
  'method-removed': ['breaking', 'a method of remote calls is removed'],
  'method-added': ['compatible', 'a method of remote calls is new'],
  'job-removed': ['to look at', 'a periodic task or a job no longer runs'],
  'job-added': ['compatible', 'a periodic task or a job is new'],
  'job-schedule-changed': ['to look at', 'a periodic task or a job runs at other times'],

  'option-changed': ['compatible', 'an option of the configuration'],
  'option-of-clients-changed': [
    'to look at',
    'an option that clients may notice, also a lower limit of connections, waiting requests or time',
  ],
});

export type RuleName = keyof typeof RULES;
