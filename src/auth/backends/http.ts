/** The backend `http`: a web service knows the accounts, and is asked by MongooseIM's protocol (its documentation, "HTTP authentication
 * method"; behaviour/external.md §5): GET check_password, get_password, get_certs, user_exists with `user`, `server` and `pass`. */

import { domainOf, localpartOf } from '../../xmpp/jid.ts'
import type { BareJid, Domainpart } from '../../xmpp/jid.ts'
import { parseScramPassword } from '../accounts/stored-password.ts'
import type { StoredPassword } from '../accounts/stored-password.ts'
import type { AuthBackend, BackendDefinition, BackendSurroundings, Judgement } from '../backend.ts'
import type { CredentialKind, Credentials } from '../credentials.ts'
import { outgoingTls } from '../outgoing-tls.ts'
import { preparePassword, scramHashes } from '../scram-secret.ts'
import type { OtherHashes, ScramHash, ScramSecret } from '../scram-secret.ts'
import { holdsCertificates, isAmong } from './certificate-list.ts'
import type { HttpOptions } from './http-options.ts'
import { firstLine } from './first-line.ts'
import { PasswordJudge } from './password-judge.ts'
import { WebService, WebServiceError } from './web-service.ts'
import type { WebAnswer } from './web-service.ts'

type Method = 'check_password' | 'get_password' | 'get_certs' | 'user_exists'

/** Bytes of an answer. */
const largest: Readonly<Record<Method, number>> = { check_password: 65_536, get_password: 65_536, get_certs: 1_048_576, user_exists: 65_536 }

export class HttpBackend implements AuthBackend {
  readonly name = 'http'
  readonly accepts: ReadonlySet<CredentialKind>
  readonly requestTimeout: number
  readonly #options: HttpOptions
  readonly #service: WebService
  readonly #judge: PasswordJudge

  constructor(options: HttpOptions, surroundings: BackendSurroundings) {
    const { url, basic_auth, basic_auth_file, password_format, request_timeout, pool_size, tls } = options
    this.#options = options
    this.accepts = new Set<CredentialKind>(password_format === 'none' ? ['certificate', 'password'] : ['certificate', 'password', 'scram'])
    this.requestTimeout = request_timeout
    // The strongest first.
    this.#judge = new PasswordJudge({ decoys: surroundings.decoys, hashes: scramHashes.toReversed(), isPlain: password_format === 'plain' })
    this.#service = new WebService({
      base: new URL(url.endsWith('/') ? url : `${url}/`),
      basicAuth: basic_auth_file === undefined ? basic_auth ?? null : firstLine(surroundings.file(basic_auth_file)),
      tls: outgoingTls(tls, surroundings.file),
      connections: pool_size, timeoutMilliseconds: request_timeout, clock: surroundings.clock,
    })
  }

  verify(credentials: Credentials, domain: Domainpart): Promise<Judgement> {
    const { user } = credentials
    if (domainOf(user) !== domain) return Promise.resolve(refused(`the user is not of ${domain}`))
    switch (credentials.kind) {
      case 'certificate':
        return this.#options.external === 'user_exists' ? this.#exists(user) : this.#listsCertificate(user, credentials.certificate.fingerprint256)
      case 'password':
        if (credentials.password === '') return Promise.resolve(refused('an empty password'))
        return this.#options.password_format === 'scram' ? this.#matches(user, credentials.password) : this.#accepts(user, credentials.password)
    }
  }

  async scramSecret(user: BareJid, hash: ScramHash, domain: Domainpart): Promise<ScramSecret | OtherHashes | null> {
    return this.#judge.secret(user, hash, domainOf(user) === domain ? await this.#stored(user) : null)
  }

  close(): Promise<void> {
    this.#service.close()
    return Promise.resolve()
  }

  async #listsCertificate(user: BareJid, fingerprint256: string): Promise<Judgement> {
    const { status, text } = await this.#ask('get_certs', user)
    if (status === 404 || status === 204) return refused(`get_certs answers ${status}`)
    expectOk('get_certs', status)
    if (text.trim() === '') return refused('get_certs lists no certificate')
    if (!holdsCertificates(text)) throw new WebServiceError('get_certs: what came is no list of certificates')
    return isAmong(fingerprint256, text) ? { ok: true } : { ...refused('the certificate is none of those that get_certs lists for the user'), isKnown: true }
  }

  async #exists(user: BareJid): Promise<Judgement> {
    const { status, text } = await this.#ask('user_exists', user)
    if (status === 404) return refused('user_exists answers 404')
    expectOk('user_exists', status)
    return isTrue('user_exists', text) ? { ok: true } : refused('the user does not exist')
  }

  async #accepts(user: BareJid, password: string): Promise<Judgement> {
    const { status, text } = await this.#ask('check_password', user, password)
    // 401 and 403 are how some services say that the password is wrong.
    if (status === 401 || status === 403 || status === 404) return refused(`check_password answers ${status}`)
    expectOk('check_password', status)
    return isTrue('check_password', text) ? { ok: true } : refused('check_password answers false')
  }

  /** Judged here, from what `get_password` gives. */
  async #matches(user: BareJid, password: string): Promise<Judgement> {
    const prepared = preparePassword(password)
    if (prepared === null) return refused('what is given can be no password')
    const stored = await this.#stored(user)
    if (await this.#judge.isRight(user, stored, prepared)) return { ok: true }
    return stored === null ? refused('the user does not exist') : { ...refused('the password is wrong'), isKnown: true }
  }

  async #stored(user: BareJid): Promise<StoredPassword | null> {
    const { status, text } = await this.#ask('get_password', user)
    if (status === 404 || status === 204) return null
    expectOk('get_password', status)
    const { password_format } = this.#options
    if (text === '') return null
    if (text.startsWith('==SCRAM==') || text.startsWith('==MULTI_SCRAM==')) {
      const password = password_format === 'plain' ? null : parseScramPassword(text.trimEnd())
      // Never taken for the password itself: whoever has seen the database would be everybody in it.
      if (password === null) throw new WebServiceError('get_password: a SCRAM serialisation that cannot be used')
      return password
    }
    // A page for people, or several lines, is no password, whatever the status says.
    const password = password_format === 'scram' || /^\s*<(?:!doctype|html|\?xml)/i.test(text) ? null : preparePassword(text)
    if (password === null) throw new WebServiceError('get_password: what came is no password')
    return { kind: 'plain', password }
  }

  #ask(method: Method, user: BareJid, pass = ''): Promise<WebAnswer> {
    return this.#service.get(method, { user: localpartOf(user) ?? '', server: domainOf(user), pass }, largest[method])
  }
}

/** Anything else means that the service does not do what it should: no word about the user. */
function expectOk(method: Method, status: number): void {
  if (status !== 200) throw new WebServiceError(`${method}: the service answers ${status}`)
}

function isTrue(method: Method, text: string): boolean {
  const word = text.trim()
  if (word !== 'true' && word !== 'false') throw new WebServiceError(`${method}: the answer is neither true nor false`)
  return word === 'true'
}

const refused = (reason: string) => ({ ok: false, condition: 'not-authorized', reason } as const)

export const http: BackendDefinition = {
  name: 'http',
  create({ http: options }, surroundings) {
    if (options === undefined) throw new Error('the method http without its section')
    return new HttpBackend(options, surroundings)
  },
}
