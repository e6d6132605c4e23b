/** Why a listener could not be opened, in one line for the person who started the gateway. */

const explanations: Readonly<Record<string, (where: string) => string>> = {
  EADDRINUSE: where => `${where} is in use: another program, perhaps another Meerkat, listens there. Stop it, or choose another port.`,
  EADDRNOTAVAIL: where => `${where} is no address of this machine. Correct the ip of this listener.`,
  EACCES: where => `${where} may not be opened by this user: ports below 1024 need a privilege. choose another port.`,
}

const socketExplanations: Readonly<Record<string, (where: string) => string>> = {
  EADDRINUSE: where => `${where} is in use: somebody listens there, or it is a file that is no socket. Stop him, or choose another listen.http.socket.`,
  ENOENT: where => `${where} is in no folder that exists: make it first, for this user to write in.`,
  EACCES: where => `${where} is in a folder where this user may not write. Change its permissions, or choose another listen.http.socket.`,
}

/** Null for what is not about listening. */
export function listenFailure(error: unknown): string | null {
  if (!(error instanceof Error && 'syscall' in error && error.syscall === 'listen')) return null
  const { code, address, port } = error as NodeJS.ErrnoException & { readonly address?: string, readonly port?: number }
  if (address?.startsWith('/') === true) return socketExplanations[code ?? '']?.(address) ?? `${address} cannot be listened on: ${code ?? error.message}`
  const where = address === undefined ? 'The address' : `${address.includes(':') ? `[${address}]` : address}:${port ?? ''}`
  return explanations[code ?? '']?.(where) ?? `${where} cannot be listened on: ${code ?? error.message}`
}
