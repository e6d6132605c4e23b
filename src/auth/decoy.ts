/**
 * What an account that does not exist looks like from outside, so that it cannot be told from one whose password is wrong: a salt and an
 * iteration count that are always the same for a name (RFC 5802 §5.1 shows both before the password is proved), and the same work.
 */

import { createHmac } from 'node:crypto'

import type { BareJid } from '../xmpp/jid.ts'
import type { PasswordOptions } from './password-options.ts'
import type { ScramHash, ScramSecret } from './scram-secret.ts'
import { isPasswordOf, keyLength, saltLength } from './scram-secret.ts'

export class Decoys {
  readonly #secret: Uint8Array
  readonly #counts: readonly number[]

  /** `secret`: random bytes, the same after every restart; see decoy-secret.ts. */
  constructor(secret: Uint8Array, { scram_iterations, decoy_iterations }: Pick<PasswordOptions, 'scram_iterations' | 'decoy_iterations'>) {
    this.#secret = secret
    this.#counts = decoy_iterations.length === 0 ? [scram_iterations] : decoy_iterations
  }

  /**
   * A salt that nobody outside can foresee, and that never changes: also for an account whose password is kept as plain text, which has
   * no salt of its own.
   */
  salt(user: BareJid, hash: ScramHash): Uint8Array { return this.#bytes('salt', hash, user, saltLength) }

  iterations(user: BareJid): number {
    // The counts of one account are the same for every hash.
    const [count = 0] = this.#counts
    return this.#counts[Buffer.from(this.#bytes('iterations', '', user, 6)).readUIntBE(0, 6) % this.#counts.length] ?? count
  }

  /**
   * Looks like what is kept of a password, and is of none. Whoever uses it refuses the login in any case. `iterations`: of an account that has
   * nothing for this hash, so that it shows the same count for all of them, as those do that do not exist.
   */
  scramSecret(user: BareJid, hash: ScramHash, iterations = this.iterations(user)): ScramSecret {
    return {
      salt: this.salt(user, hash),
      iterations,
      storedKey: this.#bytes('stored key', hash, user, keyLength[hash]),
      serverKey: this.#bytes('server key', hash, user, keyLength[hash]),
    }
  }

  /** Takes as long as to look whether a password is right (`isPasswordOf`). `password` as `preparePassword` gives it. */
  async refuse(user: BareJid, hash: ScramHash, password: string): Promise<void> {
    await isPasswordOf(hash, this.scramSecret(user, hash), password)
  }

  /** NUL is in no name, so no two questions are spelt alike. */
  #bytes(what: string, hash: string, user: BareJid, length: number): Uint8Array {
    return createHmac('sha512', this.#secret).update(`${what}\0${hash}\0${user}`).digest().subarray(0, length)
  }
}
