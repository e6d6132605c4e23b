/** Why a listener could not be opened, in one line for the person who started the gateway. */

const explanations: Readonly<Record<string, (where: string) => string>> = {
  EADDRINUSE: where => `${where} is in use: another program, perhaps another Meerkat, listens there. Stop it, or choose another listen.http.port.`,
  EADDRNOTAVAIL: where => `${where} is no address of this machine. Correct listen.http.ip.`,
  EACCES: where => `${where} may not be opened by this user: ports below 1024 need a privilege. Choose another listen.http.port.`,
}

/** Null for what is not about listening. */
export function listenFailure(error: unknown): string | null {
  if (!(error instanceof Error && 'syscall' in error && error.syscall === 'listen')) return null
  const { code, address, port } = error as NodeJS.ErrnoException & { readonly address?: string, readonly port?: number }
  const where = address === undefined ? 'The address' : `${address.includes(':') ? `[${address}]` : address}:${port ?? ''}`
  return explanations[code ?? '']?.(where) ?? `${where} cannot be listened on: ${code ?? error.message}`
}
