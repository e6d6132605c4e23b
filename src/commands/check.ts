/** `meerkat check [FILE]`: would the gateway start with this configuration? */
import { parseArgs } from 'node:util'
import { type Command, exitCode, UsageError } from './command.ts'
import { checkedConfiguration, configurationFile } from './configuration.ts'

export const check: Command = {
  name: 'check',
  usage: 'meerkat check [FILE]',
  summary: 'checks a configuration and the files that it names',
  help: [
    'Without FILE: meerkat.toml in this folder, or the built-in defaults.',
    'Prints every mistake with its remedy and exits with 78; prints warnings and exits with 0 when it would start.',
  ],
  async run(argv, surroundings) {
    const { values, positionals } = parseArgs({ args: [...argv], allowPositionals: true, options: { config: { type: 'string' } } })
    if (positionals.length > 1) throw new UsageError('one file at a time')
    const file = configurationFile(positionals[0] ?? values.config, surroundings)
    const { config, warnings } = await checkedConfiguration(file, surroundings, Date.now())
    for (const { path, text } of warnings) surroundings.print(`warning: ${path}: ${text}`)
    surroundings.print(`${config.file ?? 'the built-in defaults'}: good, serving ${config.general.hosts.join(', ')}`)
    return exitCode.success
  },
}
