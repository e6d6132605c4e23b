/** Reads a file that the configuration names: bounded, never waiting on a pipe, and with the reason for a failure in words. */
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'

export type FileRead =
  | { readonly ok: true, readonly bytes: Uint8Array, readonly mode: number }
  | { readonly ok: false, readonly failure: string }

/** Bytes. A bundle of every public CA is a quarter of a megabyte. */
const usualLimit = 4_194_304

const words = new Map([
  ['ENOENT', 'there is no such file'],
  ['EACCES', 'this user may not read the file'],
  ['EPERM', 'this user may not read the file'],
  ['EISDIR', 'it is a folder, not a file'],
  ['ENOTDIR', 'a part of the path is not a folder'],
  ['ELOOP', 'its symbolic links lead in a circle'],
  ['ENAMETOOLONG', 'the name is too long'],
])

/** `limit` in bytes. */
export async function readNamedFile(path: string, limit = usualLimit): Promise<FileRead> {
  try {
    // Opening a pipe without O_NONBLOCK waits until somebody writes to it.
    await using handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const stats = await handle.stat()
    if (stats.isDirectory()) return { ok: false, failure: 'it is a folder, not a file' }
    if (!stats.isFile()) return { ok: false, failure: 'it is not a regular file' }
    if (stats.size > limit) return { ok: false, failure: `it is larger than ${limit} bytes` }
    return { ok: true, bytes: await handle.readFile(), mode: stats.mode }
  } catch (error) {
    return { ok: false, failure: failureText(error) }
  }
}

function failureText(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
  return words.get(code) ?? `it cannot be read (${code})`
}
