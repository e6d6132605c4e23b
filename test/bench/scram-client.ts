// The client's side of SCRAM-SHA-256 (RFC 5802 §3, RFC 7677), as a client does it that kept the salted password: the load costs little.
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import type { FrameClient } from './frame-client.ts'

interface Keys { readonly clientKey: Buffer, readonly storedKey: Buffer, readonly serverKey: Buffer }

const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()

export class ScramUser {
  readonly #name: string
  readonly #password: string
  /** By salt and iterations. */
  readonly #keys = new Map<string, Keys>()

  constructor(name: string, password: string) {
    this.#name = name
    this.#password = password
  }

  /** On a stream whose features were read. Rejects where either side fails to prove itself. */
  async authenticate(connection: FrameClient): Promise<void> {
    const nonce = randomBytes(18).toString('base64')
    const firstBare = `n=${this.#name},r=${nonce}`
    const serverFirst = await this.#ask(connection, 'auth', `n,,${firstBare}`, 'challenge')
    const [, combined = '', salt = '', iterations = ''] = /^r=([^,]+),s=([^,]+),i=(\d+)/.exec(serverFirst) ?? []
    if (!combined.startsWith(nonce) || combined.length === nonce.length) throw new Error('not an answer to this nonce')
    const keys = this.#keysFor(salt, iterations)
    const withoutProof = `c=${Buffer.from('n,,').toString('base64')},r=${combined}`
    const authMessage = `${firstBare},${serverFirst},${withoutProof}`
    const signature = hmac(keys.storedKey, authMessage)
    const proof = Buffer.from(keys.clientKey.map((byte, index) => byte ^ (signature[index] as number))).toString('base64')
    const serverFinal = await this.#ask(connection, 'response', `${withoutProof},p=${proof}`, 'success')
    if (serverFinal !== `v=${hmac(keys.serverKey, authMessage).toString('base64')}`) throw new Error('the server did not prove that it knows the password')
  }

  async #ask(connection: FrameClient, element: 'auth' | 'response', text: string, expected: 'challenge' | 'success'): Promise<string> {
    const mechanism = element === 'auth' ? ' mechanism="SCRAM-SHA-256"' : ''
    const [answer = ''] = await connection.ask(
      `<${element} xmlns="urn:ietf:params:xml:ns:xmpp-sasl"${mechanism}>${Buffer.from(text).toString('base64')}</${element}>`, 1)
    const data = new RegExp(`^<${expected}[^>]*>([^<]+)<`).exec(answer)?.[1]
    if (data === undefined) throw new Error(`no ${expected}: ${answer}`)
    return Buffer.from(data, 'base64').toString()
  }

  #keysFor(salt: string, iterations: string): Keys {
    const known = this.#keys.get(`${salt},${iterations}`)
    if (known !== undefined) return known
    const saltedPassword = pbkdf2Sync(this.#password, Buffer.from(salt, 'base64'), Number(iterations), 32, 'sha256')
    const clientKey = hmac(saltedPassword, 'Client Key')
    const keys = { clientKey, storedKey: createHash('sha256').update(clientKey).digest(), serverKey: hmac(saltedPassword, 'Server Key') }
    this.#keys.set(`${salt},${iterations}`, keys)
    return keys
  }
}
