/** The error codes of this directory, for docs/reference/errors.md. */
import type { ErrorCodes } from '../errors/index.js';

export const errorCodes: ErrorCodes = {
  PORTICO_CASCADE_EMPTY: {
    cause: 'A cascade has no apps.',
    remedy: 'Give it at least one option that begins with `app`.',
  },
  PORTICO_PASTE_AMBIGUOUS_ENTRY_POINT: {
    cause: 'A distribution announces the name for several kinds of factory.',
    remedy: 'Name the factory itself, by the option of its kind.',
  },
  PORTICO_PASTE_AMBIGUOUS_SECTION: {
    cause: 'Several sections have the name.',
    remedy: 'Rename all but one.',
  },
  PORTICO_PASTE_BAD_ALIAS: {
    cause: 'A line of `[portico:aliases]` is no alias.',
    remedy: 'Write what is replaced and what stands for it; after `egg:` also the protocol.',
  },
  PORTICO_PASTE_BAD_CALL_SPEC: {
    cause: 'What follows `call:` or `paste.…_factory` is no `module:export`.',
    remedy: 'Write `package/path:export` or `./file.js:export`.',
  },
  PORTICO_PASTE_BAD_FACTORY_EXPRESSION: {
    cause: 'The module has no such export.',
    remedy: 'Correct the name; the message lists the exports.',
  },
  PORTICO_PASTE_BAD_LINE: {
    cause: 'A line is neither an option nor a section header.',
    remedy: 'Write `name = value`; a continued line is indented.',
  },
  PORTICO_PASTE_BAD_MOUNT: {
    cause: 'An option of a URL map is no place for an app.',
    remedy: 'Begin the path with `/`.',
  },
  PORTICO_PASTE_BAD_RELATIVE_URI: {
    cause: 'A relative `config:` stands where no file is at hand.',
    remedy: 'Give the whole path.',
  },
  PORTICO_PASTE_BAD_TYPE: {
    cause: 'A factory is no function, or gives something else than an app or a filter.',
    remedy: 'Return a function from it; name the right protocol.',
  },
  PORTICO_PASTE_BAD_VALUE: {
    cause: 'A composite or a reference has a value that it cannot use.',
    remedy: 'Write what the message says.',
  },
  PORTICO_PASTE_CASCADE_ORDER: {
    cause: 'Apps of a cascade are tried in the order of their names as text; a warning.',
    remedy: 'Give all numbers the same count of digits.',
  },
  PORTICO_PASTE_CYCLE: {
    cause: 'References or aliases lead back to themselves.',
    remedy: 'Break the circle that the message shows.',
  },
  PORTICO_PASTE_DEFAULT_FACTORY: {
    cause: 'An option such as `use` in `[DEFAULT]` hides that of every section; a warning.',
    remedy: 'Move it into the sections that need it.',
  },
  PORTICO_PASTE_DUPLICATE_OPTION: {
    cause: 'A section has an option twice.',
    remedy: 'Keep one of the two.',
  },
  PORTICO_PASTE_DUPLICATE_SECTION: {
    cause: 'A file has a section twice.',
    remedy: 'Keep one, or merge them.',
  },
  PORTICO_PASTE_EMPTY_PIPELINE: {
    cause: 'A pipeline names nothing.',
    remedy: 'Name its filters, outermost first, and its app last.',
  },
  PORTICO_PASTE_EXTRA_SETTINGS: {
    cause: 'A pipeline has options that no factory would get.',
    remedy: 'Move them into the section of a member, or write `set name = …`.',
  },
  PORTICO_PASTE_FACTORY_FAILED: {
    cause: 'A factory threw; the paste file is right.',
    remedy: 'See the message and the place in the application.',
  },
  PORTICO_PASTE_FILTER_ORDER: {
    cause: 'Two filters stand in an order in which one of them does not do its work; a warning.',
    remedy: 'Exchange them as the message says.',
  },
  PORTICO_PASTE_FILTER_TWICE: {
    cause: 'A pipeline names a filter twice; a warning.',
    remedy: 'Remove one.',
  },
  PORTICO_PASTE_HIDDEN_OPTION: {
    cause: 'An option of `[DEFAULT]` hides that of a section; a warning.',
    remedy: 'Write `set name = …`, or rename one of the two.',
  },
  PORTICO_PASTE_INLINE_COMMENT: {
    cause: '`#` or `;` behind a value begins no comment; a warning.',
    remedy: 'Give the comment a line of its own.',
  },
  PORTICO_PASTE_INTERPOLATION_DEPTH: {
    cause: '`%(name)s` values refer to each other too deeply.',
    remedy: 'Break the circle, or write the value out.',
  },
  PORTICO_PASTE_INTERPOLATION_MISSING: {
    cause: '`%(name)s` refers to an option that is not there.',
    remedy: 'Correct the name; the message has the nearest one.',
  },
  PORTICO_PASTE_INTERPOLATION_SYNTAX: {
    cause: 'A `%` is followed by neither `%` nor `(`.',
    remedy: 'Write `%%` for a percent sign.',
  },
  PORTICO_PASTE_IS_A_DIRECTORY: {
    cause: 'The path of a paste file is a folder.',
    remedy: 'Name the file.',
  },
  PORTICO_PASTE_LIMIT: {
    cause: 'A file, a load or a value is larger than the loader takes.',
    remedy: 'Look for a circle or a generated file; split the file.',
  },
  PORTICO_PASTE_LOST_OPTION: {
    cause: 'An option goes nowhere, for the section uses something that has no factory of its own; a warning.',
    remedy: 'Write it in the section of the app or filter it is for.',
  },
  PORTICO_PASTE_MISSING_KEY: {
    cause: 'A section asks for an option, a pipeline or a status that does not exist.',
    remedy: 'Add it, or correct the name.',
  },
  PORTICO_PASTE_MISSING_SETTING: {
    cause: 'A section lacks the option that makes it, `pipeline` or `next`.',
    remedy: 'Write it.',
  },
  PORTICO_PASTE_MOUNT_NEVER_MATCHES: {
    cause: 'A mount has a domain in capitals, which is never asked for; a warning.',
    remedy: 'Write the domain in lower case.',
  },
  PORTICO_PASTE_MOUNT_REPLACED: {
    cause: 'Two mounts have the same place, and the later one counts; a warning.',
    remedy: 'Remove one.',
  },
  PORTICO_PASTE_MULTIPLE_PROTOCOLS: {
    cause: 'A section has two factories.',
    remedy: 'Keep one.',
  },
  PORTICO_PASTE_NOT_UTF8: {
    cause: 'A paste file is not UTF-8.',
    remedy: 'Save it as UTF-8.',
  },
  PORTICO_PASTE_NO_ENTRY_POINT: {
    cause: 'A distribution has no entry point of that kind and name.',
    remedy: 'Correct the name; the message lists those it has.',
  },
  PORTICO_PASTE_NO_FILE: {
    cause: 'There is no paste file at the path.',
    remedy: 'Correct `api_paste_config`, or the path after `config:`.',
  },
  PORTICO_PASTE_NO_LOADER: {
    cause: 'A section has no factory.',
    remedy: 'Give it `use = …` or `paste.…_factory = module:export`.',
  },
  PORTICO_PASTE_NO_MODULE: {
    cause: 'A module cannot be found or imported.',
    remedy: 'Correct the path, install the package, or say what stands for it in `[portico:aliases]`.',
  },
  PORTICO_PASTE_NO_PACKAGE: {
    cause: 'No package has the name of a distribution, and no alias stands for it.',
    remedy: 'Install the package, or add an alias to `[portico:aliases]`.',
  },
  PORTICO_PASTE_NO_SECTION: {
    cause: 'No app, filter or server has the name.',
    remedy: 'Correct it; the message has the nearest one.',
  },
  PORTICO_PASTE_NO_SECTION_HEADER: {
    cause: 'Options stand before the first section.',
    remedy: 'Begin the file with a section.',
  },
  PORTICO_PASTE_SPOILT_HEADER: {
    cause: 'A line looks like a section header and is none, or has an unknown prefix; a warning.',
    remedy: 'Write the header that the message shows.',
  },
  PORTICO_PASTE_UNKNOWN_PROTOCOL: {
    cause: 'A factory has a protocol that does not exist here.',
    remedy: 'Name it by `paste.app_factory` or one of the others.',
  },
  PORTICO_PASTE_UNKNOWN_SCHEME: {
    cause: 'A reference begins with an unknown scheme.',
    remedy: 'Use `config:`, `egg:` or `call:`; name a section without its prefix.',
  },
  PORTICO_PASTE_UNSEEN_SET: {
    cause: 'The members of a composite do not see what it sets; a warning.',
    remedy: 'Set it in `[DEFAULT]`, or in the members.',
  },
  PORTICO_PASTE_UNUSED_SECTION: {
    cause: 'Nothing leads to a filter; a warning.',
    remedy: 'Name it in a pipeline, or remove it.',
  },
};
