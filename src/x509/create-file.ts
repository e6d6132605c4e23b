// Creates a file whole or not at all, with its final mode from the first byte on, and never in the place of another (POSIX link(2)).
import { randomUUID } from 'node:crypto'
import { constants, copyFile, link, open, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** False when `path` already exists; then it is left as it is. */
export async function createFile(path: string, content: string | Uint8Array, mode: number): Promise<boolean> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`)
  const file = await open(temporary, 'wx', mode)
  try {
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    // Unlike rename(2), link(2) fails where a file of that name is there.
    return await isCreated(link(temporary, path).catch((error: unknown) => {
      // Some file systems have no links; there the copy is exclusive too, if not all at once.
      if (codeOf(error) === 'EEXIST') throw error
      return copyFile(temporary, path, constants.COPYFILE_EXCL)
    }))
  } finally {
    await unlink(temporary)
  }
}

async function isCreated(creation: Promise<void>): Promise<boolean> {
  try {
    await creation
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

const codeOf = (error: unknown) => error instanceof Error && 'code' in error ? error.code : undefined
