/** The secret behind decoys (decoy.ts): random bytes in the data folder. With another one after every restart, salts that change would give the decoys away. */

import { randomBytes } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { Log } from '../telemetry/log.ts'
import { createFile } from '../x509/create-file.ts'
import { Decoys } from './decoy.ts'
import type { AuthOptions } from './options.ts'

export const decoySecretFile = 'decoy.key'
const length = 32

export async function createDecoys({ methods, password }: AuthOptions, dataFolder: string, log: Log): Promise<Decoys> {
  // Where only certificates are judged nobody asks for a decoy, and no folder is needed for the secret.
  return new Decoys(methods.every(method => method === 'pki') ? randomBytes(length) : await decoySecret(dataFolder, log), password)
}

/**
 * Reads it, or makes it when it is not there; several processes that do so at the same time get the same one. Where the folder cannot be
 * used the secret lasts as long as the process, and the log says what that means.
 */
export async function decoySecret(dataFolder: string, log: Log): Promise<Uint8Array> {
  const path = join(dataFolder, decoySecretFile)
  try {
    const found = await readIfPresent(path)
    if (found !== null) return checked(found, path)
    await mkdir(dataFolder, { recursive: true, mode: 0o700 })
    const made = randomBytes(length)
    return await createFile(path, made, 0o600) ? made : checked(await readFile(path), path)
  } catch (cause) {
    const consequence = 'names of accounts that do not exist can be told from others by those who log in before and after a restart'
    log.warn({ event: 'auth.decoy_secret_not_kept', file: path, consequence, cause })
    return randomBytes(length)
  }
}

function checked(content: Uint8Array, path: string): Uint8Array {
  if (content.length < length) throw new Error(`${path} has fewer than ${length} bytes: delete it, and another one is made`)
  return content
}

async function readIfPresent(path: string): Promise<Uint8Array | null> {
  try {
    return await readFile(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}
