/** Listening on a Unix socket: for its owner and group only, from the first moment on, and never in the place of somebody who still listens. */
import { chmod, lstat, mkdtemp, rename, rm } from 'node:fs/promises'
import { createConnection, type Server } from 'node:net'
import { dirname, join } from 'node:path'

/** Whoever may write to the socket may connect. */
const mode = 0o660

/** As Node's errors of `listen` are, whichever step failed. */
class SocketError extends Error {
  override readonly name = 'SocketError'
  readonly code: string | undefined
  readonly syscall = 'listen'
  readonly address: string

  constructor(path: string, why: string, code: string | undefined, cause?: unknown) {
    super(`${path}: ${why}`, { cause })
    this.address = path
    this.code = code
  }
}

/** Resolves when the server listens. The function that it resolves with removes the socket, if it is still this server's. */
export async function listenOnSocket(server: Server, path: string): Promise<() => Promise<void>> {
  await makeWay(path)
  try {
    await listenPrivately(server, path)
    const { ino, dev } = await lstat(path)
    return async () => {
      const now = await lstat(path).catch(() => null)
      if (now?.ino === ino && now.dev === dev) await rm(path, { force: true })
    }
  } catch (error) {
    throw new SocketError(path, String(error), (error as NodeJS.ErrnoException).code, error)
  }
}

async function listenPrivately(server: Server, path: string): Promise<void> {
  // Born in a folder that nobody else may enter, and moved when its mode is right: there is no moment at which others could connect.
  const cradle = await mkdtemp(join(dirname(path), '.m-'))
  const born = join(cradle, 's')
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ path: born }, () => {
        server.off('error', reject)
        resolve()
      })
    })
    await chmod(born, mode)
    await rename(born, path)
  } finally {
    await rm(cradle, { recursive: true, force: true })
  }
}

/** A socket of one who died may be replaced; a file that is none, and a socket where somebody answers, may not. */
async function makeWay(path: string): Promise<void> {
  const there = await lstat(path).catch(() => null)
  if (there === null) return
  if (!there.isSocket()) throw new SocketError(path, 'there is a file that is no socket', 'EADDRINUSE')
  const answers = await new Promise<boolean>(resolve => {
    const probe = createConnection({ path })
    probe.once('connect', () => { probe.destroy(); resolve(true) })
    // Refused: nobody listens any more. Anything else, such as a missing permission, tells nothing, and so does not make way.
    probe.once('error', (error: NodeJS.ErrnoException) => { resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT') })
  })
  if (answers) throw new SocketError(path, 'somebody listens there', 'EADDRINUSE')
}
