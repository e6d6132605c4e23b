/** Holds passwords against what is kept of them, for the backends that have that (behaviour/external.md §5). It takes the same work whether there
 * is such an account or not, and whichever way its password is kept. */

import { createHash, timingSafeEqual } from 'node:crypto'

import type { BareJid } from '../../xmpp/jid.ts'
import { secretWith } from '../accounts/stored-password.ts'
import type { ScramPassword, StoredPassword } from '../accounts/stored-password.ts'
import type { Decoys } from '../decoy.ts'
import { deriveScramSecret, isPasswordOf } from '../scram-secret.ts'
import type { OtherHashes, ScramHash, ScramSecret } from '../scram-secret.ts'

export interface PasswordJudgeOptions {
  readonly decoys: Decoys
  /** Of several hashes of a password the first one of these is looked at. */
  readonly hashes: readonly ScramHash[]
  /** Whether there may be plain text, as far as one knows. */
  readonly isPlain: boolean
}

export class PasswordJudge {
  readonly #decoys: Decoys
  readonly #hashes: readonly ScramHash[]
  /** The one of the last account whose password is kept hashed: all others cost the same work. */
  #lastHash: ScramHash
  /** Some account has plain text, from which SCRAM's secret is derived at every login. From then on something is derived for everybody. */
  #isDeriving: boolean

  constructor({ decoys, hashes, isPlain }: PasswordJudgeOptions) {
    this.#decoys = decoys
    this.#hashes = hashes
    this.#lastHash = hashes[0] ?? 'sha1'
    this.#isDeriving = isPlain
  }

  /** `stored` is null for an account that does not exist, `password` as `preparePassword` gives it, and so is plain text in `stored`. */
  async isRight(user: BareJid, stored: StoredPassword | null, password: string): Promise<boolean> {
    if (stored?.kind === 'scram') {
      const hash = this.#hashOf(stored)
      const secret = secretWith(hash, stored)
      if (secret !== null) {
        this.#lastHash = hash
        return isPasswordOf(hash, secret, password)
      }
    }
    await this.#decoys.refuse(user, this.#lastHash, password)
    return stored?.kind === 'plain' && timingSafeEqual(digest(stored.password), digest(password))
  }

  /** As `AuthBackend.scramSecret`. */
  async secret(user: BareJid, hash: ScramHash, stored: StoredPassword | null): Promise<ScramSecret | OtherHashes | null> {
    if (stored?.kind === 'scram') this.#lastHash = this.#hashOf(stored)
    this.#isDeriving ||= stored?.kind === 'plain'
    // Plain text has no salt of its own: that of the decoys, so that it is the same at every login and cannot be told from theirs.
    const derived = this.#isDeriving
      ? await deriveScramSecret(hash, stored?.kind === 'plain' ? stored.password : 'nobody', this.#decoys.salt(user, hash), this.#decoys.iterations(user)) : null
    switch (stored?.kind) {
      case undefined: return null
      case 'plain': return derived
      case 'scram': return secretWith(hash, stored) ?? { iterations: stored.iterations }
    }
  }

  /** In the absence of all that are wanted whichever there is. */
  #hashOf(stored: ScramPassword): ScramHash {
    const wanted = this.#hashes.find(hash => secretWith(hash, stored) !== null)
    return wanted ?? stored.entries.find(entry => entry.hash !== null)?.hash ?? this.#lastHash
  }
}

const digest = (password: string): Uint8Array => createHash('sha256').update(password).digest()
