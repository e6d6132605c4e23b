// What a TLS connection says about the client's certificate, gathered once, when the connection is accepted.
import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { maxPathLength } from './path-building.ts'
import { resumedSession } from './refusal.ts'

/** What TLS found out about the peer's certificate. */
export interface Evidence {
  /** DER: the peer's own certificate, then what it sent along, in its order. Empty where it showed none. */
  readonly chain: readonly Uint8Array[]
  /** OpenSSL's reading of the first of them, where it is there already: for the judgement, not to be kept. */
  readonly opened?: X509Certificate
  /** The chain verified against the authorities that the connection began with. */
  readonly authorized: boolean
  /** OpenSSL's code as Node gives it, e.g. `CERT_HAS_EXPIRED`; the last of several findings. */
  readonly authorizationError: string | null
}

/**
 * Call once per socket, after `secureConnection`, and keep the result: getPeerX509Certificate() takes the chain out of the connection. (It gives
 * the certificates as they came; getPeerCertificate(true) describes each of them at length, and drops what it cannot put in order.)
 * Listeners that ask for a certificate disable session tickets; should a session be resumed all the same, it counts as not verified, because it
 * would keep the verdict that it was born with (external.md §1).
 */
export function evidenceOf(socket: TLSSocket): Evidence {
  const leaf = socket.getPeerX509Certificate()
  if (leaf === undefined) return { chain: [], authorized: false, authorizationError: null }
  const isResumed = socket.isSessionReused()
  return {
    chain: chainOf(leaf),
    opened: leaf,
    authorized: socket.authorized && !isResumed,
    authorizationError: isResumed ? resumedSession : codeOf(socket.authorizationError),
  }
}

/** One more than a path may have is enough to be refused. */
function chainOf(leaf: X509Certificate): readonly Uint8Array[] {
  const chain: Uint8Array[] = []
  for (let next: X509Certificate | undefined = leaf; next !== undefined && chain.length <= maxPathLength; next = next.issuerCertificate) chain.push(next.raw)
  return chain
}

/** Declared an Error; on a server's sockets it is the code alone. */
function codeOf(error: unknown): string | null {
  if (error === null || error === undefined) return null
  if (typeof error === 'string') return error
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'UNSPECIFIED'
}
