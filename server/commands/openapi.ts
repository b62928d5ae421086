import type { Command } from 'commander'
import { readSettings } from '../config.ts'
import { openApiDocument } from '../openapi/document.ts'
import type { Surroundings } from '../serve.ts'
import { addConfigOption } from './config-option.ts'

/** `vlt-server openapi` */
export function addOpenApi(program: Command, { env, print }: Surroundings): void {
  const command = program
    .command('openapi')
    .description('print the OpenAPI 3.1 document of all APIs, as /openapi.json serves it')
    .option(
      '--public-url <url>',
      'address of the server that the document names (default: where it was read)',
    )
  addConfigOption(command).action((flags: Record<string, unknown>) => {
    print(JSON.stringify(openApiDocument(readSettings(flags, env).publicUrl), null, 2))
  })
}
