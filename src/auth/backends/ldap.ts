/** The backend `ldap`: a certificate is accepted when the account exists, a password when the directory lets the entry of the account bind
 * with it (behaviour/external.md §5; RFC 4513 §5.1.3). */

import { randomBytes } from 'node:crypto'

import type { Entry } from 'ldapts'

import { domainOf, localpartOf } from '../../xmpp/jid.ts'
import type { BareJid, Domainpart } from '../../xmpp/jid.ts'
import type { AuthBackend, BackendDefinition, BackendSurroundings, Judgement } from '../backend.ts'
import type { CredentialKind, Credentials } from '../credentials.ts'
import { outgoingTls } from '../outgoing-tls.ts'
import { firstLine } from './first-line.ts'
import { AccountRule } from './ldap-account.ts'
import { LdapDirectory } from './ldap-directory.ts'
import type { Questions } from './ldap-directory.ts'
import type { LdapOptions } from './ldap-options.ts'
import { readServer } from './ldap-server.ts'

export class LdapBackend implements AuthBackend {
  readonly name = 'ldap'
  readonly accepts: ReadonlySet<CredentialKind> = new Set(['certificate', 'password'])
  readonly requestTimeout: number
  readonly #directory: LdapDirectory
  readonly #rule: AccountRule
  readonly #base: string

  private constructor(options: LdapOptions, directory: LdapDirectory) {
    this.requestTimeout = options.request_timeout
    this.#directory = directory
    this.#rule = new AccountRule(options)
    this.#base = options.base
  }

  static async create(options: LdapOptions, { file, clock }: BackendSurroundings): Promise<LdapBackend> {
    const { servers, rootdn, password, password_file, base, request_timeout, pool_size, tls } = options
    const secret = password_file === undefined ? password : firstLine(file(password_file))
    return new LdapBackend(options, await LdapDirectory.create({
      servers: servers.map(server => {
        const read = readServer(server, options)
        if (typeof read === 'string') throw new Error(`a server that was not checked: ${read}`)
        return read
      }),
      tls: outgoingTls(tls, file),
      searcher: rootdn === undefined || secret === undefined ? null : { dn: rootdn, password: secret },
      base, connections: pool_size, timeoutMilliseconds: request_timeout, clock,
    }))
  }

  async verify(credentials: Credentials, domain: Domainpart): Promise<Judgement> {
    const { user } = credentials
    if (domainOf(user) !== domain) return refused(`the user is not of ${domain}`)
    if (credentials.kind === 'certificate') {
      const found = await this.#directory.ask(server => this.#find(server, user))
      return found.ok ? { ok: true } : found
    }
    // RFC 4513 §5.1.2: a bind without a password succeeds, as nobody.
    if (credentials.password === '') return refused('an empty password')
    return this.#directory.ask(server => this.#bind(server, user, credentials.password))
  }

  close(): Promise<void> {
    this.#directory.close()
    return Promise.resolve()
  }

  async #bind(server: Questions, user: BareJid, password: string): Promise<Judgement> {
    const found = await this.#find(server, user)
    const isAccepted = await server.accepts(found.ok ? found.dn : this.#nobody(), password)
    if (!found.ok) return found
    return isAccepted ? { ok: true } : { ...refused('the directory does not accept the password'), isKnown: true }
  }

  /** The entry of the account. Who does not exist takes as many questions as who does: they are about nobody's entry. */
  async #find(server: Questions, user: BareJid): Promise<Found> {
    const localpart = localpartOf(user)
    if (localpart === null) return refused('a domain is no account')
    const candidate = this.#candidate(localpart, await server.search(this.#rule.search(localpart), this.#rule.attributes))
    const second = this.#rule.secondSearch(localpart, domainOf(user), candidate.ok ? candidate.entry : { dn: this.#nobody() })
    const passing = second === null ? null : await server.search(second.filter, [])
    if (!candidate.ok) return candidate
    if (second !== null && (!second.decides || passing?.length === 0)) return { ...refused('dn_filter refuses the entry'), isKnown: true }
    return { ok: true, dn: candidate.entry.dn }
  }

  #nobody(): string { return `cn=${randomBytes(12).toString('hex')},${this.#base}` }

  /** Exactly one has to be there: a choice between two would be a guess. */
  #candidate(localpart: string, entries: readonly Entry[] | null): { readonly ok: true, readonly entry: Entry } | Refused {
    const [entry, ...others] = entries ?? []
    if (entries === null || others.length > 0) return refused('several entries match')
    if (entry === undefined) return refused('no entry matches')
    if (typeof entry.dn !== 'string' || entry.dn === '') return refused('an entry without a name')
    if (!this.#rule.isNamed(localpart, entry)) return refused('the entry that matches has another name, or one that may not be read')
    if (!this.#rule.passesLocalFilter(entry)) return { ...refused('local_filter refuses the entry'), isKnown: true }
    return { ok: true, entry }
  }
}

type Found = { readonly ok: true, readonly dn: string } | Refused

interface Refused { readonly ok: false, readonly condition: 'not-authorized', readonly reason: string, readonly isKnown?: boolean }

const refused = (reason: string): Refused => ({ ok: false, condition: 'not-authorized', reason })

export const ldap: BackendDefinition = {
  name: 'ldap',
  async create({ ldap: options }, surroundings) {
    if (options === undefined) throw new Error('the method ldap without its section')
    return LdapBackend.create(options, surroundings)
  },
}
