/**
 * `api-cli policy`: the rules that the enabled APIs register, and the policy files that replace them.
 */
import type { Command } from 'commander';
import { ConfigurationRefused, countText, inOrder, PorticoError, printDiagnostics } from 'portico/extension';
import type { CommandContext, ConfigurationArguments, OutputArguments } from 'portico/service';
import { hasErrors, type LoadedPolicy, loadedPolicies, unknownRules } from './policy.js';
import { isRedundant } from './rule-set.js';
import { policySample } from './sample.js';

export function register(program: Command, context: CommandContext): void {
  const { addCommand, example, placeText, print } = context;
  const policy = program
    .command('policy')
    .description('the rules of the enabled APIs, and the policy files that replace them')
    .addHelpText('after', example('api-cli policy check'));

  addCommand(
    policy,
    'sample',
    'print a policy file with all rules of the application as comments',
    'api-cli policy sample > policy.yaml',
  ).action(async (args: ConfigurationArguments) => {
    const policies = await policiesOf(context, args);
    process.stdout.write(policySample(policies.flatMap(({ registered }) => [...registered.values()])));
  });

  addCommand(
    policy,
    'check',
    'find errors in policy files; exit with status 1 if there are any',
    'api-cli policy check',
  )
    .option('--json', 'print JSON')
    .action(async (args: OutputArguments) => {
      // Its findings are the output, not also lines of the log.
      const policies = await policiesOf(context, args, { isQuiet: true });
      const found = inOrder([...policies.flatMap(({ findings }) => findings), ...unknownRules(policies)]);
      print(args, { findings: found }, () =>
        found.length === 0 ? `no errors in ${ruleCount(policies)} of policy files` : printDiagnostics(found),
      );
      process.exitCode = found.length === 0 ? 0 : 1;
    });

  addCommand(
    policy,
    'list-redundant',
    'list the rules in policy files that are equal to those of the application',
    'api-cli policy list-redundant',
  )
    .option('--json', 'print JSON')
    .action(async (args: OutputArguments) => {
      const rules = (await policiesOf(context, args)).flatMap(({ registered, written }) =>
        [...written.values()].filter((rule) => isRedundant(rule, registered)),
      );
      const shown = rules.map(({ name, location }) => ({ name, place: placeText(location.origin) }));
      print(args, { rules: shown }, () => shown.map(({ name, place }) => `${place}: ${name}`).join('\n') || 'none');
    });
}

function ruleCount(policies: readonly LoadedPolicy[]): string {
  return countText(new Set(policies.flatMap(({ written }) => [...written.keys()])).size, 'rule');
}

/** Builds the apps of the enabled APIs, and returns the policies that they have loaded, also those whose files are refused. */
async function policiesOf(
  { buildApps, readConfiguration }: CommandContext,
  args: ConfigurationArguments,
  { isQuiet = false } = {},
): Promise<readonly LoadedPolicy[]> {
  const config = await readConfiguration(args, { isQuiet });
  await buildApps(config, (error) => {
    if (!(error instanceof ConfigurationRefused) || !loadedPolicies(config).some(hasErrors)) throw error;
  });
  const policies = new Map(loadedPolicies(config).map((each) => [each.registered, each]));
  if (policies.size > 0) return [...policies.values()];
  throw new PorticoError('PORTICO_POLICY_ABSENT', {
    message: 'no enabled API has a policy',
    hint: 'An application registers its rules with definePolicy of portico/policy, and loads them in its factory.',
  });
}
