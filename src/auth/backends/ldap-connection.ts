/** One connection to a directory, by ldapts: one socket for its whole life. ldapts by itself connects anew when a socket is gone, which would
 * search as nobody, and after StartTLS say passwords in the clear; here that is the end of the connection (RFC 4511 §4.14, RFC 4513 §3). */

import { isIP, connect as connectTcp } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { ConnectionOptions } from 'node:tls'

import type * as Ldapts from 'ldapts'
import type { Client, Entry, Filter as LdaptsFilter } from 'ldapts'

import type { Filter } from './ldap-filter.ts'

type LdaptsModule = typeof Ldapts

export interface LdapServer {
  readonly host: string
  readonly port: number
  readonly encryption: 'none' | 'starttls' | 'tls'
}

/** The directory cannot be asked, or does not answer as it should. */
export class DirectoryError extends Error {
  override readonly name = 'DirectoryError'
}

/** Bytes that one answer may have. An account is a kilobyte. */
const largestAnswer = 1_048_576

/** Result codes of RFC 4511 appendix A that mean a bind was refused for good: the password is wrong, or this entry has none. */
const bindRefusals: ReadonlySet<number> = new Set([
  19, // constraintViolation: what some directories say of accounts that are locked
  32, // noSuchObject: gone since the search
  34, // invalidDNSyntax
  48, // inappropriateAuthentication
  49, // invalidCredentials
  50, // insufficientAccessRights
  53, // unwillingToPerform
])
const sizeLimitExceeded = 4

export class LdapConnection {
  readonly #ldapts: LdaptsModule
  readonly #client: Client
  readonly #sockets: Socket[] = []
  #isLost = false
  #received = 0
  /** What came before TLS, where there will be StartTLS. */
  #inTheClear = Buffer.alloc(0)
  readonly #isUpgraded: boolean
  /** Rejects when the socket is gone. */
  readonly #gone: Promise<never>
  #end: (reason: DirectoryError) => void = () => {}

  private constructor(ldapts: LdaptsModule, { host, port, encryption }: LdapServer, tls: ConnectionOptions) {
    this.#ldapts = ldapts
    this.#isUpgraded = encryption === 'starttls'
    this.#gone = new Promise((_resolve, reject) => { this.#end = reject })
    // Nobody may be waiting when it happens.
    this.#gone.catch(() => {})
    const once = (open: () => Socket): Socket => {
      if (this.#sockets.length > 0) throw new DirectoryError('the connection was lost')
      return this.#watched(open())
    }
    this.#client = new ldapts.Client({
      url: `${encryption === 'tls' ? 'ldaps' : 'ldap'}://${isIP(host) === 6 ? `[${host}]` : host}:${port}`,
      createConnection: () => once(() => connectTcp({ host, port, keepAlive: true })),
      createSecureConnection: ((...given: readonly unknown[]) => {
        const secure = { ...tls, host, port, ...isIP(host) === 0 ? { servername: host } : {} }
        // StartTLS comes with the options that it was asked with, TLS from the beginning with port, host and options.
        const [first] = given
        if (typeof first === 'object' && first !== null && 'socket' in first) {
          // RFC 4511 §4.14.1: nothing may follow the response in the clear. Whoever is on the way could put the beginning of a later answer there.
          if (!isOneMessage(this.#inTheClear)) throw new DirectoryError('something in the clear after the answer to StartTLS')
          return this.#watched(connectTls({ ...secure, socket: first.socket as Socket }))
        }
        return once(() => connectTls(secure))
      }) as typeof connectTls,
    })
  }

  /** Connected, encrypted as configured, and bound where there is an identity. Gives up when `signal` says so. */
  static async open(
    ldapts: LdaptsModule, server: LdapServer, tls: ConnectionOptions, identity: { readonly dn: string, readonly password: string } | null, signal: AbortSignal,
  ): Promise<LdapConnection> {
    const connection = new LdapConnection(ldapts, server, tls)
    const giveUp = (): void => { connection.close() }
    signal.addEventListener('abort', giveUp)
    try {
      if (server.encryption === 'starttls') await connection.#run(client => client.startTLS({}))
      if (identity !== null) await connection.#run(client => client.bind(identity.dn, identity.password))
      return connection
    } catch (error) {
      connection.close()
      throw new DirectoryError(identity === null ? textOf(error) : `as ${identity.dn}: ${textOf(error)}`)
    } finally {
      signal.removeEventListener('abort', giveUp)
    }
  }

  get isUsable(): boolean { return !this.#isLost }

  /** The entries below `base`; null when there are more than the directory tells. Referrals are not followed. */
  async search(base: string, filter: Filter, attributes: readonly string[]): Promise<readonly Entry[] | null> {
    try {
      const { searchEntries } = await this.#run(client =>
        client.search(base, { scope: 'sub', filter: written(filter, this.#ldapts), attributes: attributes.length === 0 ? ['1.1'] : [...attributes] }))
      return searchEntries
    } catch (error) {
      if (codeOf(error) === sizeLimitExceeded) return null
      throw this.#failed(error)
    }
  }

  /** Whether the directory accepts the password for this entry. From then on the connection is that entry's, until the next bind. */
  async accepts(dn: string, password: string): Promise<boolean> {
    // RFC 4513 §5.1.1 and §5.1.2: without a name, or without a password, anybody is welcome, as nobody.
    if (dn === '' || password === '') return false
    try {
      await this.#run(client => client.bind(dn, password))
      return true
    } catch (error) {
      const code = codeOf(error)
      if (code !== null && bindRefusals.has(code)) return false
      throw this.#failed(error)
    }
  }

  close(): void {
    this.#lose(new DirectoryError('the connection was closed'))
  }

  #run<Answer>(ask: (client: Client) => Promise<Answer>): Promise<Answer> {
    this.#received = 0
    return Promise.race([this.#gone, ask(this.#client)])
  }

  /** A result code is an answer, and the connection goes on; anything else is the end of it. */
  #failed(error: unknown): DirectoryError {
    if (codeOf(error) === null) this.close()
    return new DirectoryError(textOf(error))
  }

  #lose(reason: DirectoryError): void {
    this.#isLost = true
    this.#end(reason)
    // An error rather than a silent end: ldapts, still connecting, would wait for ever.
    for (const socket of this.#sockets) socket.destroy(reason)
  }

  #watched<One extends Socket>(socket: One): One {
    this.#sockets.push(socket)
    socket.on('error', error => { this.#lose(new DirectoryError(textOf(error))) })
    socket.on('close', () => { this.#lose(new DirectoryError('the directory closed the connection')) })
    socket.on('data', (chunk: Buffer) => {
      this.#received += chunk.length
      if (this.#isUpgraded && this.#sockets.length === 1) this.#inTheClear = Buffer.concat([this.#inTheClear, chunk])
      if (this.#received > largestAnswer) this.#lose(new DirectoryError(`an answer of more than ${largestAnswer} bytes`))
    })
    return socket
  }
}

/** Exactly one element of BER, which is what an LDAPMessage is (RFC 4511 §5.1). The answer to StartTLS is short. */
function isOneMessage(bytes: Buffer): boolean {
  const [tag, first = 0x80] = bytes
  const lengthBytes = first < 0x80 ? 0 : first & 0x7F
  if (tag !== 0x30 || first === 0x80 || lengthBytes > 4 || bytes.length < 2 + lengthBytes) return false
  return bytes.length === 2 + lengthBytes + (lengthBytes === 0 ? first : bytes.readUIntBE(2, lengthBytes))
}

/** The result code of RFC 4511 §4.1.9, a number; null when it was not the directory that refused: the codes of Node.js are words. */
function codeOf(error: unknown): number | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : null
}

/** Never the message that was sent: that may hold a password. */
function textOf(error: unknown): string {
  const code = codeOf(error)
  if (code !== null) return `the directory answers with result code ${code}`
  if (error instanceof DirectoryError) return error.message
  return error instanceof Error && 'code' in error ? String(error.code) : 'it does not speak LDAP as it should'
}

function written(filter: Filter, ldapts: LdaptsModule): LdaptsFilter {
  switch (filter.kind) {
    case 'and': return new ldapts.AndFilter({ filters: filter.parts.map(part => written(part, ldapts)) })
    case 'or': return new ldapts.OrFilter({ filters: filter.parts.map(part => written(part, ldapts)) })
    case 'not': return new ldapts.NotFilter({ filter: written(filter.part, ldapts) })
    case 'present': return new ldapts.PresenceFilter({ attribute: filter.attribute })
    case 'equal': return new ldapts.EqualityFilter({ attribute: filter.attribute, value: filter.value })
    case 'atLeast': return new ldapts.GreaterThanEqualsFilter({ attribute: filter.attribute, value: filter.value })
    case 'atMost': return new ldapts.LessThanEqualsFilter({ attribute: filter.attribute, value: filter.value })
    case 'approximate': return new ldapts.ApproximateFilter({ attribute: filter.attribute, value: filter.value })
    case 'substrings': {
      const { attribute, initial, any, final } = filter
      return new ldapts.SubstringFilter({ attribute, initial, any: [...any], final })
    }
    case 'extensible': {
      const { attribute, rule, dnAttributes, value } = filter
      return new ldapts.ExtensibleFilter({ matchType: attribute, rule, dnAttributes, value })
    }
  }
}
