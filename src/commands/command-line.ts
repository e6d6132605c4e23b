/** The command line: arguments in, exit code out. */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { MappingModuleError } from '../auth/mapping-module.ts'
import { ConfigError } from '../config/config-error.ts'
import { StoreError } from '../store/store-error.ts'
import { commands } from './catalogue.ts'
import { type Command, exitCode, type Surroundings, UsageError } from './command.ts'

const root = dirname(dirname(import.meta.dirname))

const surroundings: Surroundings = {
  root,
  version: (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version,
  print: text => { process.stdout.write(`${text}\n`) },
  printError: text => { process.stderr.write(`${text}\n`) },
}

const generalHelp = [
  'Meerkat: an XMPP gateway for the web. Users log in with their TLS client certificates.',
  '',
  ...commands.map(({ usage, summary }) => `  ${usage}\n      ${summary}`),
  '  meerkat COMMAND --help',
  '  meerkat --version',
].join('\n')

const helpOf = ({ usage, summary, help }: Command): string => [`usage: ${usage}`, '', `${summary[0]?.toUpperCase() ?? ''}${summary.slice(1)}.`, ...help].join('\n')

async function run(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv
  if (name === '--version') {
    surroundings.print(surroundings.version)
    return exitCode.success
  }
  if (name === undefined || name === '--help' || name === 'help') {
    surroundings.print(generalHelp)
    return exitCode.success
  }
  // `meerkat --config FILE` means start: it is what stands in many a unit file.
  const command = name.startsWith('-') ? commands[0] : commands.find(candidate => candidate.name === name)
  if (command === undefined) throw new UsageError(`there is no command "${name}"`)
  const given = name.startsWith('-') ? argv : rest
  if (given.includes('--help')) {
    surroundings.print(helpOf(command))
    return exitCode.success
  }
  return command.run(given, surroundings)
}

/** parseArgs' own complaints are about usage too. */
const isUsage = (error: unknown): error is Error =>
  error instanceof UsageError || (error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'))

/** Runs the command that the arguments name. Resolves with the exit code, whatever happens. */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  try {
    return await run(argv)
  } catch (error) {
    if (error instanceof ConfigError || error instanceof MappingModuleError) {
      surroundings.printError(error.message)
      return exitCode.configuration
    }
    if (error instanceof StoreError) {
      surroundings.printError(`meerkat: ${error.message}`)
      return exitCode.failure
    }
    if (isUsage(error)) {
      surroundings.printError(`meerkat: ${error.message}\n"meerkat --help" tells what there is.`)
      return exitCode.usage
    }
    // A bug of ours, or a fault of the machine: everything that is known of it.
    surroundings.printError(error instanceof Error ? error.stack ?? error.message : String(error))
    return exitCode.failure
  }
}
