/** What is kept of a new password: a salt of its own for every hash, as MongooseIM does it (`auth.password`). */

import type { PasswordOptions } from '../password-options.ts'
import { deriveScramSecret, saltLength } from '../scram-secret.ts'
import type { ScramHash, ScramSecret } from '../scram-secret.ts'
import { scramPasswordOf, serialiseScramPassword } from './stored-password.ts'
import type { UserRow } from './stored-password.ts'

/** `password` as `preparePassword` gives it; `random` makes so many random bytes. */
export async function rowWith(password: string, options: Pick<PasswordOptions, 'hash' | 'scram_iterations'>, random: (length: number) => Uint8Array): Promise<UserRow> {
  const secrets = new Map<ScramHash, ScramSecret>()
  for (const hash of options.hash) secrets.set(hash, await deriveScramSecret(hash, password, random(saltLength), options.scram_iterations))
  return { password: '', passDetails: serialiseScramPassword(scramPasswordOf(secrets)) }
}
