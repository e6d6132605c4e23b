/** `meerkat cert issue JID …`: a client certificate of the development authority in `certs/`. */
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { IssueError } from '../x509/authority.ts'
import { developmentPassword, issueToFolder } from '../x509/development-folder.ts'
import { type Command, exitCode, UsageError } from './command.ts'
import { certsFolderOf } from './configuration.ts'

export const cert: Command = {
  name: 'cert',
  usage: 'meerkat cert issue [JID …] [--cn NAME] [--key ec|rsa] [--days N] [--p12] [--name FILE] [--folder DIR]',
  summary: 'issues a client certificate of the development CA',
  help: [
    'JID …      bare JIDs, each an xmppAddr of the certificate; none is needed where there is --cn',
    '--cn       common name (default: the first JID)',
    '--key      ec (P-256, the default) or rsa (3072 bits)',
    '--days     validity (default 397)',
    `--p12      makes a PKCS#12 file for browsers too; its password is "${developmentPassword}", or what MEERKAT_P12_PASSWORD says`,
    '--name     name of the files without their ending (default: the localpart of the first JID)',
    '--folder   where ca.crt and ca.key are and the files go (default: certs)',
  ],
  async run(argv, surroundings) {
    const { values, positionals: [verb, ...xmppAddrs] } = parseArgs({
      args: [...argv], allowPositionals: true,
      options: {
        cn: { type: 'string' }, key: { type: 'string', default: 'ec' }, days: { type: 'string' }, p12: { type: 'boolean', default: false },
        name: { type: 'string' }, folder: { type: 'string' },
      },
    })
    if (verb !== 'issue') throw new UsageError(verb === undefined ? 'what about certificates? "meerkat cert issue …"' : `there is no "cert ${verb}"`)
    const { cn, key, name } = values
    if (key !== 'ec' && key !== 'rsa') throw new UsageError('--key is ec or rsa')
    const days = values.days === undefined ? undefined : Number(values.days)
    if (days !== undefined && !(Number.isInteger(days) && days >= 1 && days <= 36_500)) throw new UsageError('--days is a whole number from 1 to 36500')
    const folder = values.folder ?? certsFolderOf(surroundings)
    const password = process.env['MEERKAT_P12_PASSWORD'] ?? developmentPassword
    try {
      const { made } = await issueToFolder({
        folder, now: Date.now(), xmppAddrs, key,
        ...cn === undefined ? {} : { commonName: cn },
        ...days === undefined ? {} : { days },
        ...values.p12 ? { p12Password: password } : {},
        ...name === undefined ? {} : { fileName: name },
      })
      for (const file of made) surroundings.print(relative('', join(folder, file)))
      if (values.p12 && password === developmentPassword) surroundings.print(`the password of the .p12 file is "${developmentPassword}"`)
      return exitCode.success
    } catch (error) {
      if (!(error instanceof IssueError)) throw error
      surroundings.printError(`meerkat: ${error.message}`)
      return exitCode.failure
    }
  },
}
