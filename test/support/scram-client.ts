// The client's side of SCRAM (RFC 5802), written for itself: nothing of the server's code is used here. Also checks XEP-0474's hash.
import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto'

export type ClientHash = 'sha1' | 'sha256' | 'sha512'

export interface ScramClientOptions {
  readonly hash: ClientHash
  readonly username: string
  readonly password: string
  readonly authzid?: string
  /** `n`, `y`, or the type of a channel binding with its data. */
  readonly binding?: 'n' | 'y' | { readonly type: string, readonly data: Uint8Array }
  readonly nonce?: string
  /** What the server's features said; the server-first-message has to vouch for it (XEP-0474). */
  readonly advertised?: { readonly mechanisms: readonly string[], readonly channelBindings: readonly string[] }
  /** Extension attributes of the two messages, such as `x=1`. */
  readonly extensions?: { readonly first?: string, readonly final?: string }
}

/** Salted passwords by what they are made of: those who log in a thousand times hash once. */
const salted = new Map<string, Buffer>()

export class ScramClient {
  readonly #options: ScramClientOptions
  readonly nonce: string
  readonly #gs2: string
  readonly #bare: string
  #serverSignature: Buffer | null = null

  constructor(options: ScramClientOptions) {
    const { username, authzid = '', binding = 'n', nonce = randomBytes(18).toString('base64'), extensions } = options
    this.#options = options
    this.nonce = nonce
    const flag = typeof binding === 'string' ? binding : `p=${binding.type}`
    this.#gs2 = `${flag},${authzid === '' ? '' : `a=${escapeName(authzid)}`},`
    this.#bare = `n=${escapeName(username)},r=${nonce}${extensions?.first === undefined ? '' : `,${extensions.first}`}`
  }

  first(): string { return this.#gs2 + this.#bare }

  /** From server-first-message to client-final-message. Throws where a client has to end it. */
  final(serverFirst: string): string {
    const { hash, password, binding = 'n', advertised, extensions } = this.#options
    const attributes = new Map(serverFirst.split(',').map(attribute => [attribute.slice(0, 2), attribute.slice(2)]))
    const [nonce, salt, count] = [attributes.get('r='), attributes.get('s='), attributes.get('i=')]
    if (nonce === undefined || salt === undefined || count === undefined) throw new Error('server-first-message lacks something')
    if (!nonce.startsWith(this.nonce) || nonce.length <= this.nonce.length) throw new Error('the nonce is not ours and theirs')
    const iterations = Number(count)
    if (!Number.isInteger(iterations) || iterations < 1 || iterations > 1_000_000) throw new Error('iterations out of range')
    if (advertised !== undefined && attributes.get('h=') !== advertisedHash(hash, advertised)) throw new Error('somebody changed what was offered')

    const key = `${hash} ${password} ${salt} ${iterations}`
    const saltedPassword = salted.get(key)
      ?? pbkdf2Sync(password.normalize('NFKC'), Buffer.from(salt, 'base64'), iterations, createHash(hash).digest().length, hash)
    salted.set(key, saltedPassword)
    const clientKey = hmac(hash, saltedPassword, 'Client Key')
    const storedKey = createHash(hash).update(clientKey).digest()
    const bindingData = typeof binding === 'string' ? new Uint8Array(0) : binding.data
    const channelBinding = Buffer.concat([Buffer.from(this.#gs2), bindingData]).toString('base64')
    const withoutProof = `c=${channelBinding},r=${nonce}${extensions?.final === undefined ? '' : `,${extensions.final}`}`
    const authMessage = `${this.#bare},${serverFirst},${withoutProof}`
    const signature = hmac(hash, storedKey, authMessage)
    this.#serverSignature = hmac(hash, hmac(hash, saltedPassword, 'Server Key'), authMessage)
    return `${withoutProof},p=${Buffer.from(clientKey.map((byte, index) => byte ^ signature[index]!)).toString('base64')}`
  }

  /** Whether the server knows the password too. */
  isServer(serverFinal: string): boolean {
    const signature = Buffer.from(serverFinal.startsWith('v=') ? serverFinal.slice(2) : '', 'base64')
    const expected = this.#serverSignature
    return expected !== null && signature.length === expected.length && timingSafeEqual(signature, expected)
  }
}

/** XEP-0474 §5.1. */
export function advertisedHash(hash: ClientHash, { mechanisms, channelBindings }: NonNullable<ScramClientOptions['advertised']>): string {
  const joined = [...mechanisms].sort().join('\u001e') + (channelBindings.length === 0 ? '' : `\u001f${[...channelBindings].sort().join('\u001e')}`)
  return createHash(hash).update(joined).digest('base64')
}

const hmac = (hash: ClientHash, key: Uint8Array, text: string): Buffer => createHmac(hash, key).update(text).digest()
const escapeName = (name: string): string => name.replaceAll('=', '=3D').replaceAll(',', '=2C')
