/** `meerkat user …`: the accounts of the methods `internal` and `rdbms`, also while the gateway runs. */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { type Accounts, AccountsError } from '../auth/accounts/accounts.ts'
import { rowWith } from '../auth/accounts/new-password.ts'
import { databaseAccounts, embeddedAccounts } from '../auth/accounts/open-accounts.ts'
import { preparePassword } from '../auth/scram-secret.ts'
import { readAuthFiles, readSectionFiles } from '../config/auth-files.ts'
import type { Config } from '../config/config.ts'
import { ConfigError } from '../config/config-error.ts'
import { loadConfig } from '../config/load.ts'
import { Report } from '../config/report.ts'
import { openStore, storeFile } from '../store/open-store.ts'
import { StoreError } from '../store/store-error.ts'
import { systemClock } from '../telemetry/clock.ts'
import { silentLog } from '../telemetry/log.ts'
import { type BareJid, type Domainpart, domainOf, localpartOf, makeJid, parseBareJid, parseDomainpart, prepareLocalpart } from '../xmpp/jid.ts'
import { type Command, exitCode, type Surroundings, UsageError } from './command.ts'
import { certsFolderOf, configurationFile } from './configuration.ts'
import { type PasswordSource, readNewPassword } from './new-password.ts'

const verbs = ['add', 'passwd', 'delete', 'list'] as const
type Verb = (typeof verbs)[number]

/** The methods whose accounts are a table. */
const methods = ['internal', 'rdbms'] as const
type Method = (typeof methods)[number]

/** A refusal in one line. */
class Refusal extends Error {}

/** Where the password comes from, and where it is asked for. Standard input is not touched before. */
export interface Terminal { readonly input: () => PasswordSource, readonly say: (prompt: string) => void }

export const userCommand = (terminal: Terminal): Command => ({
  name: 'user',
  usage: 'meerkat user add JID | passwd JID | delete JID | list [DOMAIN] [--config FILE] [--method internal|rdbms]',
  summary: 'administers the accounts that log in with a password',
  help: [
    'add        makes an account; passwd gives it another password; delete removes it with all that is kept of it; list shows all, or those of one domain',
    '--config   as for start; which domains are served and where the accounts are stands there',
    '--method   internal (the embedded database) or rdbms (default: the first of them in auth.methods)',
    'The password is asked for twice on a terminal, and is the first line of standard input otherwise. It is never an argument: everybody on the',
    'machine can read those. The gateway may be running: what is changed holds for the next login.',
  ],
  async run(argv, surroundings) {
    const { values: { config: named, method, ...passwords }, positionals: [verbGiven = '', operand, ...rest] } = parseArgs({
      args: [...argv], allowPositionals: true,
      options: { config: { type: 'string' }, method: { type: 'string' }, password: { type: 'string', short: 'p' } },
    })
    const verb = verbs.find(known => known === verbGiven)
    if (verb === undefined) throw new UsageError(verbGiven === '' ? 'what about users? "meerkat user add JID"' : `"user" is followed by ${verbs.join(', ')}`)
    // Not shown: it may be the password.
    if (rest.length > 0 || passwords.password !== undefined) {
      throw new UsageError('a password is no argument, everybody on this machine could read it: give it on standard input')
    }
    const config = await loadConfig(configurationFile(named, surroundings), { certsFolder: certsFolderOf(surroundings) })
    // What the accounts wait for is a timer that does not keep the process.
    const hold = setInterval(() => undefined, 60_000)
    try {
      return await administer(verb, operand, method, config, terminal, surroundings)
    } catch (error) {
      const problem = problemOf(error)
      if (problem === null) throw error
      surroundings.printError(`meerkat: ${problem}`)
      return exitCode.failure
    } finally {
      clearInterval(hold)
    }
  },
})

export const user = userCommand({ input: () => process.stdin, say: prompt => { process.stderr.write(prompt) } })

async function administer(verb: Verb, operand: string | undefined, methodNamed: string | undefined, config: Config, terminal: Terminal,
  surroundings: Surroundings): Promise<number> {
  const method = methodOf(methodNamed, config)
  const domains = verb === 'list' ? domainsOf(operand, config) : []
  const account = verb === 'list' ? null : accountOf(verb, operand, config)
  const accounts = await accountsOf(method, config)
  try {
    if (account === null) await list(domains, accounts, surroundings)
    else if (verb === 'delete') await remove(account, method, accounts, config, surroundings)
    else surroundings.print(await setPassword(verb === 'add' ? 'add' : 'passwd', account, method, accounts, config, terminal))
    return exitCode.success
  } finally {
    await accounts.close()
  }
}

function methodOf(named: string | undefined, { auth }: Config): Method {
  const configured = methods.filter(method => auth.methods.includes(method)).toSorted((a, b) => auth.methods.indexOf(a) - auth.methods.indexOf(b))
  const [first] = configured
  if (first === undefined) throw new Refusal(`no method has accounts here: auth.methods is ${auth.methods.join(', ')}. Add "internal" to it.`)
  if (named === undefined) return first
  const method = methods.find(known => known === named)
  if (method === undefined) throw new UsageError(`--method is ${methods.join(' or ')}`)
  if (!configured.includes(method)) throw new Refusal(`the method ${method} is not configured: auth.methods is ${auth.methods.join(', ')}.`)
  return method
}

interface Account { readonly jid: BareJid, readonly localpart: string, readonly domain: Domainpart }

function accountOf(verb: Verb, text: string | undefined, config: Config): Account {
  if (text === undefined) throw new UsageError(`whom? "meerkat user ${verb} alice@${config.general.hosts[0] ?? 'localhost'}"`)
  const jid = parseBareJid(text)
  const localpart = jid === null ? null : localpartOf(jid)
  if (jid === null || localpart === null) throw new UsageError(`${JSON.stringify(text)} is no bare JID, such as alice@${config.general.hosts[0] ?? 'localhost'}`)
  return { jid, localpart, domain: served(domainOf(jid), config) }
}

function domainsOf(text: string | undefined, config: Config): readonly Domainpart[] {
  if (text === undefined) return config.general.hosts
  const domain = parseDomainpart(text)
  if (domain === null) throw new UsageError(`${JSON.stringify(text)} is no domain`)
  return [served(domain, config)]
}

function served(domain: Domainpart, { general: { hosts } }: Config): Domainpart {
  if (!hosts.includes(domain)) throw new Refusal(`${domain} is not served here. Served: ${hosts.join(', ')} (general.hosts).`)
  return domain
}

async function accountsOf(method: Method, config: Config): Promise<Accounts> {
  const { auth, general: { hosts, data_dir: dataFolder } } = config
  const report = reportOf(config)
  if (method === 'internal' || auth.rdbms === undefined) return embeddedAccounts({ dataFolder, hosts, clock: systemClock })
  const files = await readAuthFiles({ ...auth, methods: [method] }, report)
  if (report.mistakes.length > 0) throw new ConfigError(report.mistakes)
  return databaseAccounts(auth.rdbms, { hosts, dataFolder, file: path => files.get(path) ?? '', clock: systemClock, log: silentLog })
}

const reportOf = ({ file }: Config): Report => new Report(file, file === null ? '.' : dirname(file))

/** What was done, in words. */
async function setPassword(verb: 'add' | 'passwd', { jid, localpart, domain }: Account, method: Method, accounts: Accounts, config: Config,
  { input, say }: Terminal): Promise<string> {
  const isThere = await accounts.find(localpart, domain) !== null
  // Said before anybody has thought of a password.
  if (verb === 'add' && isThere) throw new Refusal(`${jid} is there already (${method}). Another password: "meerkat user passwd ${jid}".`)
  if (verb === 'passwd' && !isThere) throw new Refusal(`there is no ${jid} (${method}). Make it: "meerkat user add ${jid}".`)
  const given = await readNewPassword(input(), say)
  if (!given.ok) throw new Refusal(given.problem)
  const password = preparePassword(given.password)
  if (password === null) throw new Refusal(given.password === '' ? 'an empty password is none' : 'this can be no password: it has characters that RFC 8265 §4.2 does not allow')
  const row = await rowWith(password, config.auth.password, randomBytes)
  const isDone = verb === 'add' ? await accounts.add(localpart, domain, row) : await accounts.replacePassword(localpart, domain, row)
  if (!isDone) throw new Refusal(`somebody else has just ${verb === 'add' ? 'made' : 'deleted'} ${jid}, nothing was changed`)
  return verb === 'add' ? `added ${jid} (${method})` : `${jid} has a new password (${method})`
}

async function remove({ jid, localpart, domain }: Account, method: Method, accounts: Accounts, config: Config, { print }: Surroundings): Promise<void> {
  if (await accounts.find(localpart, domain) === null) throw new Refusal(`there is no ${jid} (${method}), nothing was deleted`)
  // First: where it fails the account is still there, and can be deleted once more.
  await forget(jid, config)
  if (!await accounts.remove(localpart, domain)) throw new Refusal(`somebody else has just deleted ${jid}`)
  print(`deleted ${jid} (${method}), with the contacts and messages that were kept for it. Sessions that are open stay until they end.`)
}

/** Whatever the domain keeps of it. The gateway may have its store open. */
async function forget(jid: BareJid, config: Config): Promise<void> {
  const { store: options, general: { data_dir: dataFolder } } = config
  const file = storeFile(options.url, dataFolder)
  // Nobody has logged in yet, to anything.
  if (file !== null && !existsSync(file)) return
  const report = reportOf(config)
  const files = await readSectionFiles(options, 'store', report)
  if (report.mistakes.length > 0) throw new ConfigError(report.mistakes)
  const store = await openStore(options, { dataFolder, file: path => files.get(path) ?? '', clock: systemClock, log: silentLog, isShared: true })
  try {
    await store.forget(jid)
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    throw new Refusal(`what is kept of ${jid} cannot be reached: ${problem}. Nothing was deleted.`, { cause: error })
  } finally {
    await store.close()
  }
}

async function list(domains: readonly Domainpart[], accounts: Accounts, { print, printError }: Surroundings): Promise<void> {
  let unusable = 0
  for (const domain of domains) {
    for await (const name of accounts.list(domain)) {
      // What is no localpart can log in nowhere, and might write anything on the terminal.
      if (prepareLocalpart(name) === name) print(makeJid(name, domain))
      else unusable += 1
    }
  }
  if (unusable > 0) printError(`meerkat: ${unusable} rows have names that no user can have (RFC 7622 §3.3)`)
}

/** Null for a bug of ours. */
function problemOf(error: unknown): string | null {
  if (error instanceof Refusal) return error.message
  if (error instanceof StoreError) return `${error.message.replace(/\.$/, '')}. Nothing was deleted.`
  if (error instanceof AccountsError) return `the accounts cannot be reached: ${error.message}`
  // Of SQLite, and of the file system.
  const isOfTheSystem = error instanceof Error && 'code' in error && typeof error.code === 'string' && /^(?:ERR_SQLITE_ERROR|E[A-Z]+)$/.test(error.code)
  return isOfTheSystem ? `the accounts cannot be reached: ${error.message}` : null
}
