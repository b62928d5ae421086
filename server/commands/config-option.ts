import type { Command } from 'commander'

/** Every command reads its settings in the same places: see readSettings. */
export function addConfigOption(command: Command): Command {
  return command
    .option('--config <file>', 'JSON file with these settings, keys in camelCase (also VLT_SERVER_CONFIG)')
    .addHelpText(
      'after',
      '\nEvery option can also come from the environment (--vlt-rate-limit as VLT_SERVER_VLT_RATE_LIMIT, lists\n' +
        'comma-separated) or from the --config file (vltRateLimit). Flags win over the environment, the\n' +
        'environment over the file, the file over the defaults.',
    )
}
